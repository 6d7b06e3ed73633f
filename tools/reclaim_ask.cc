// reclaim_ask.cc - requests in the members' records, their answers, and process_madvise for the mute.
#include "tools/reclaim_ask.h"

#include <algorithm>
#include <vector>

#include "core/layout.h"
#include "core/wake.h"
#include "reclaim/page_out_other.h"

namespace weir {
namespace {

constexpr std::int64_t kTurnNs = 50'000'000;
// A member that gives nothing back for so long is not waited for any more.
constexpr int kMostIdleTurns = 40;

struct Asked {
  MemberId id;
  std::uint32_t pid = 0;
  Pages charge;
  Pages most;  // that it may be asked for
  Pages wanted;
  Pages done;
  int idle_turns = 0;
  bool answered = false;
  bool served = false;  // by itself: its reasons are in its record
};

// What of a member's memory may be asked for: beyond its container's minimum, its part of that.
Pages may_give(const RegistryView& view, const BookEntry& entry, ContainerId top) {
  const Pages usage = usage_of(view, entry.container);
  Pages beyond = beyond_minimum(view, entry.container, top);
  if (beyond >= usage || usage == Pages::none()) {
    return entry.charge;
  }
  beyond = beyond - Pages{kPagesPerGranule};  // by so much a member may give more
  return Pages{static_cast<std::uint64_t>(static_cast<double>(beyond.count) * static_cast<double>(entry.charge.count) /
                                          static_cast<double>(usage.count))};
}

std::vector<Asked> shares_of(RegistryView& view, ContainerId top, Pages wanted, const SpentMembers& spent) {
  std::vector<Asked> members;
  Pages total;
  const Subtree subtree = Subtree::below(view, top);
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    const Pages most = entry.pid != 0 && subtree.holds(entry.container) ? may_give(view, entry, top) : Pages::none();
    if (most > Pages::none() && !spent.contains(i)) {
      members.push_back({MemberId{i}, entry.pid, entry.charge, most, {}, {}, 0, false, false});
      total = total + most;
    }
  }
  for (Asked& member : members) {
    const double share = static_cast<double>(member.most.count) / static_cast<double>(total.count);
    const Pages wish{static_cast<std::uint64_t>(share * static_cast<double>(wanted.count)) + 1};
    member.wanted = std::min(wish, member.most);
  }
  return members;
}

// Who is at work on the request finds it gone, and ends.
void withdraw(RegistryView& view, const Asked& member) {
  end_request(view.member(member.id), kRequestReclaim);
}

// One look at a member. True while it is still at work.
bool still_at_work(Os& os, RegistryView& view, Asked& member) {
  if (member.answered) {
    return false;
  }
  MemberRecord& record = view.member(member.id);
  const Pages done{record.reclaim_done.load(std::memory_order_relaxed)};
  member.idle_turns = done > member.done ? 0 : member.idle_turns + 1;
  member.done = std::max(member.done, done);
  const bool served = record.request.load(std::memory_order_acquire) != kRequestReclaim;
  if (served || member.idle_turns > kMostIdleTurns || member_is_dead(os, record, member.pid)) {
    withdraw(view, member);
    member.answered = true;
    member.served = served;
  }
  return !member.answered;
}

void await_all(Os& os, RegistryView& view, std::vector<Asked>& members, const Progress& progress) {
  for (bool working = true; working;) {
    FutexWord never{0};
    static_cast<void>(os.futex_wait(never, 0, kTurnNs));
    working = false;
    Pages done;
    for (Asked& member : members) {
      working = still_at_work(os, view, member) || working;
      done = done + member.done;
    }
    if (!progress(done)) {
      break;
    }
  }
  for (const Asked& member : members) {
    if (!member.answered) {
      withdraw(view, member);
    }
  }
}

}  // namespace

GivenBack ask_members(Os& os, RegistryView& view, ContainerId top, Pages wanted, const Progress& progress,
                      SpentMembers& spent) {
  GivenBack result;
  std::vector<Asked> members = shares_of(view, top, wanted, spent);
  for (Asked& member : members) {
    if (!ask_for_pages(os, view, member.id, member.pid, member.wanted)) {
      member.answered = true;
      // Nothing tells from outside which memory is a thread group's.
      MemberRecord& record = view.member(member.id);
      const bool is_group = record.is_group.load(std::memory_order_relaxed) != 0;
      const Pages done = is_group ? Pages::none() : page_out_of(os, member.pid, member.wanted, record.outside_at);
      member.done = done;
      if (done == Pages::none()) {
        ++result.unasked;
        result.unasked_usage = result.unasked_usage + member.charge;
      }
    }
  }
  await_all(os, view, members, progress);
  for (const Asked& member : members) {
    result.done = result.done + member.done;
    if (member.done.count < member.wanted.count / 2) {
      spent.insert(member.id.index);
    }
    for (std::uint32_t i = 0; member.served && i < kStayReasons; ++i) {
      const Counter& stayed = view.member(member.id).reclaim_stayed[i];
      result.stayed[i] = result.stayed[i] + Pages{stayed.load(std::memory_order_relaxed)};
    }
  }
  return result;
}

}  // namespace weir
