// mute_members.cc - looking at each member that may be mute, and paging out of it.
#include "reclaim/mute_members.h"

#include <algorithm>

#include "core/member_status.h"
#include "core/stats.h"
#include "reclaim/page_out_other.h"
#include "reclaim/peers.h"
#include "reclaim/swap_limit.h"

namespace weir {
namespace {

constexpr Pages kLeastTaken{64};

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kPauseNs = 100 * kMillisecond;
constexpr std::uint64_t kPauseAtWorkNs = 20 * kMillisecond;

// Whether it is for us to look; nobody else will for the pause.
bool is_due(Counter& due_ns, std::uint64_t now) {
  std::uint64_t due = due_ns.load(std::memory_order_relaxed);
  return now >= due && due_ns.compare_exchange_strong(due, now + kPauseNs, std::memory_order_relaxed);
}

// A group's memory cannot be told from outside; we ourselves are not mute.
bool may_be_mute(const Engine& engine, const BookEntry& entry, const MemberRecord& record) {
  return entry.pid != engine.account.pid() && entry.charge >= kLeastTaken &&
         record.is_group.load(std::memory_order_relaxed) == 0;
}

// Looked at closely only where it matters: it takes 30 us.
Reach look_at(Engine& engine, MemberId member, const BookEntry& entry, Pages limit) {
  MemberRecord& record = engine.view.member(member);
  if (reach_of(record) != Reach::kItself || counts(entry, record, limit)) {
    note_status(engine.os, engine.view, member, entry.pid);
  }
  return reach_of(record);
}

// How much of `wanted` this one is to give.
Pages part_of(Engine& engine, const BookEntry& entry, MemberRecord& record, Reach reach, Pages usage, Pages wanted) {
  const bool has_reclaimer = record.reclaimer_tid.load(std::memory_order_acquire) != 0;
  if (reach == Reach::kStopped || (!has_reclaimer && has_been_idle(engine.os, entry, record))) {
    return std::min(wanted, entry.charge);
  }
  if (reach != Reach::kAlien || usage == Pages::none()) {
    return Pages::none();
  }
  const std::uint64_t most = std::min(wanted.count, std::uint64_t{UINT32_MAX});  // the product stays within 64 bits
  return std::min(std::max(Pages{most * entry.charge.count / usage.count}, kLeastTaken), wanted);
}

Pages take_from(Engine& engine, MemberId member, const BookEntry& entry, Pages part) {
  const SwapAllowance allowance(engine, member, entry, part);
  const Pages most = allowance.pages();
  if (most == Pages::none()) {
    return most;
  }
  MemberRecord& record = engine.view.member(member);
  engine.record().leaving_pages.store(most.count, std::memory_order_relaxed);
  const Pages done = page_out_of(engine.os, entry.pid, most, record.outside_at);
  refresh_member(engine.os, engine.view, member, entry.pid);
  engine.record().leaving_pages.store(0, std::memory_order_relaxed);
  ContainerCounters& counters = engine.view.container(entry.container).counters;
  count(counters.evict_requested, most.count);
  count(counters.evict_done, done.count);
  return done;
}

}  // namespace

Pages page_out_of_mute(Engine& engine, ContainerId id, Pages wanted) {
  Pages done;
  Counter& due_ns = engine.view.container(id).mute_due_ns;
  const std::uint64_t now = engine.os.now_ns();
  if (!is_due(due_ns, now)) {
    return done;
  }
  const bool has_swap = now >= engine.no_swap_until_ns.load(std::memory_order_relaxed);
  const Pages limit = marks_of(engine.view.container(id)).limit;
  const Subtree subtree = Subtree::below(engine.view, id);
  const Pages usage = usage_of(engine.view, subtree);
  const std::uint32_t high = engine.view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const MemberId member{i};
    const BookEntry entry = engine.view.book(member).load();
    MemberRecord& record = engine.view.member(member);
    if (entry.pid == 0 || !subtree.holds(entry.container) || !may_be_mute(engine, entry, record)) {
      continue;
    }
    const Reach reach = look_at(engine, member, entry, limit);
    const Pages part = std::min(part_of(engine, entry, record, reach, usage, wanted - done),
                                beyond_minimum(engine.view, entry.container, id));
    // A pid that is somebody else's by now had better keep its memory.
    if (has_swap && part > Pages::none() && !member_is_dead(engine.os, record, entry.pid)) {
      done = done + take_from(engine, member, entry, part);
    }
  }
  if (done > Pages::none()) {
    due_ns.store(now + kPauseAtWorkNs, std::memory_order_relaxed);
  }
  return done;
}

}  // namespace weir
