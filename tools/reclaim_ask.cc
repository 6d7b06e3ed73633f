// reclaim_ask.cc - requests in the members' records, their answers, and process_madvise for the mute.
#include "tools/reclaim_ask.h"

#include <algorithm>
#include <vector>

#include "core/member_status.h"
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
  Pages wanted;
  Pages done;
  int idle_turns = 0;
  bool answered = false;
  bool served = false;  // by itself: its reasons are in its record
};

// Puts the request into the member's record and wakes whoever serves it.
bool send_request(Os& os, RegistryView& view, const Asked& member) {
  MemberRecord& record = view.member(member.id);
  MemberRecord& actor = view.member(actor_of(view, member.id, member.pid));
  note_status(os, view, member.id, member.pid);
  const bool has_reclaimer = actor.reclaimer_tid.load(std::memory_order_acquire) != 0;
  const std::uint32_t signal = record.dump_signal.load(std::memory_order_acquire);
  if (reach_of(record) != Reach::kItself || (!has_reclaimer && signal == 0) || !request_pages(record, member.wanted)) {
    return false;
  }
  if (has_reclaimer) {
    wake_reclaimer_of(os, actor);
    return true;
  }
  return os.kill(static_cast<int>(member.pid), static_cast<int>(signal)).ok();
}

std::vector<Asked> shares_of(RegistryView& view, const Subtree& subtree, Pages wanted) {
  std::vector<Asked> members;
  Pages total;
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    if (entry.pid != 0 && subtree.holds(entry.container) && entry.charge > Pages::none()) {
      members.push_back({MemberId{i}, entry.pid, entry.charge, {}, {}, 0, false, false});
      total = total + entry.charge;
    }
  }
  for (Asked& member : members) {
    const double share = static_cast<double>(member.charge.count) / static_cast<double>(total.count);
    member.wanted = Pages{static_cast<std::uint64_t>(share * static_cast<double>(wanted.count)) + 1};
  }
  return members;
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
    std::uint32_t asked = kRequestReclaim;
    record.request.compare_exchange_strong(asked, 0, std::memory_order_acq_rel);
    member.answered = true;
    member.served = served;
  }
  return !member.answered;
}

void await_all(Os& os, RegistryView& view, std::vector<Asked>& members, const Progress& progress, Pages before) {
  for (bool working = true; working;) {
    FutexWord never{0};
    static_cast<void>(os.futex_wait(never, 0, kTurnNs));
    working = false;
    Pages done = before;
    for (Asked& member : members) {
      working = still_at_work(os, view, member) || working;
      done = done + member.done;
    }
    progress(done);
  }
}

}  // namespace

GivenBack ask_members(Os& os, RegistryView& view, const Subtree& subtree, Pages wanted, const Progress& progress) {
  GivenBack result;
  std::vector<Asked> members = shares_of(view, subtree, wanted);
  for (Asked& member : members) {
    if (!send_request(os, view, member)) {
      member.answered = true;
      // Nothing tells from outside which memory is a thread group's.
      MemberRecord& record = view.member(member.id);
      const bool is_group = record.is_group.load(std::memory_order_relaxed) != 0;
      const Pages done = is_group ? Pages::none() : page_out_of(os, member.pid, member.wanted, record.outside_at);
      result.done = result.done + done;
      if (done == Pages::none()) {
        ++result.unasked;
        result.unasked_usage = result.unasked_usage + member.charge;
      }
    }
  }
  await_all(os, view, members, progress, result.done);
  for (const Asked& member : members) {
    result.done = result.done + member.done;
    for (std::uint32_t i = 0; member.served && i < kStayReasons; ++i) {
      const Counter& stayed = view.member(member.id).reclaim_stayed[i];
      result.stayed[i] = result.stayed[i] + Pages{stayed.load(std::memory_order_relaxed)};
    }
  }
  return result;
}

}  // namespace weir
