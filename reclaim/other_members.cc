// other_members.cc - waking who holds much, and reading the books anew no more often than it pays.
#include "reclaim/other_members.h"

#include <algorithm>

#include "core/adopt.h"
#include "core/member_status.h"
#include "core/stats.h"
#include "core/wake.h"
#include "reclaim/fork_shares.h"

namespace weir {
namespace {

// Longer than a loaded machine takes to run a woken thread; a killed caller is forgotten by then.
constexpr std::uint64_t kHelpNs = 100'000'000;

bool is_due(const ContainerRecord& record, std::uint64_t now, std::uint64_t fresh_ns) {
  constexpr std::uint64_t kMostShare = 20;
  const std::uint64_t rest = std::max(fresh_ns, kMostShare * record.members_took_ns.load(std::memory_order_relaxed));
  return now - record.members_read_ns.load(std::memory_order_relaxed) >= rest;
}

// Once a second: it reads more.
void adopt_if_due(Engine& engine, ContainerRecord& record, const Subtree& subtree, std::uint64_t now) {
  constexpr std::uint64_t kPauseNs = 1'000'000'000;
  std::uint64_t due = record.adopt_due_ns.load(std::memory_order_relaxed);
  if (now >= due && record.adopt_due_ns.compare_exchange_strong(due, now + kPauseNs, std::memory_order_relaxed)) {
    adopt_children(engine.os, engine.view, subtree);
  }
}

// Unless somebody has in the last `fresh_ns`, or in the last 20 times as long as it takes.
bool read_members(Engine& engine, ContainerId id, const Subtree& subtree, std::uint64_t fresh_ns) {
  ContainerRecord& record = engine.view.container(id);
  const std::uint64_t now = engine.os.now_ns();
  std::uint64_t last = record.members_read_ns.load(std::memory_order_relaxed);
  if (!is_due(record, now, fresh_ns) ||
      !record.members_read_ns.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
    return false;
  }
  adopt_if_due(engine, record, subtree, now);
  {
    const ReclaimGuard guard(engine.os, engine.direct_lock, 0);
    if (guard.held()) {
      recount_shares(engine.os, engine.view, subtree, engine.account.pid(), engine.direct_buffer);
    }
  }
  refresh_charges(engine.os, engine.view, subtree, engine.account.pid());
  engine.account.refresh(engine.os, nullptr);
  engine.record().promised_pages.store(0, std::memory_order_relaxed);
  record.members_took_ns.store(engine.os.now_ns() - now, std::memory_order_relaxed);
  return true;
}

}  // namespace

int call_for_help(Engine& engine, ContainerId id, Pages expected) {
  int woken = 0;
  const std::uint64_t now = engine.os.now_ns();
  ContainerRecord& container = engine.view.container(id);
  // Who waits for less at the same time leaves it as it is; what a killed one left behind goes here.
  if (expected > Pages::none() || now >= container.help_until_ns.load(std::memory_order_relaxed)) {
    container.help_pages.store(expected.count, std::memory_order_relaxed);
  }
  container.help_until_ns.store(now + kHelpNs, std::memory_order_release);
  const Subtree subtree = Subtree::below(engine.view, id);
  const Pages usage = usage_of(engine.view, subtree);
  // Of a few those that hold much; of many those that hold more than most.
  const std::uint64_t much = usage.count / std::max(8U, members_of(engine.view, subtree));
  const std::uint32_t high = engine.view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const MemberId member{i};
    const BookEntry entry = engine.view.book(member).load();
    const bool holds_much = entry.charge.count >= much;
    if (entry.pid == 0 || entry.pid == engine.account.pid() || !holds_much || !subtree.holds(entry.container) ||
        spare_of(engine.view, entry.container, id) == Pages::none()) {
      continue;
    }
    MemberRecord& record = engine.view.member(actor_of(engine.view, member, entry.pid));
    if (record.reclaimer_tid.load(std::memory_order_acquire) != 0 && reach_of(record) == Reach::kItself) {
      wake_reclaimer_of(engine.os, record);
      ++woken;
    }
  }
  return woken;
}

void refresh_others(Engine& engine, ContainerId id) {
  static_cast<void>(read_members(engine, id, Subtree::below(engine.view, id), 50'000'000));
}

bool watch_the_silent(Engine& engine, const Standing& standing, bool here) {
  constexpr std::uint64_t kFreshNs = 100'000'000;
  const Pages mark = std::min(standing.marks.high, standing.marks.limit);
  const ContainerId id = standing.container;
  ContainerRecord& record = engine.view.container(id);
  const std::uint64_t now = engine.os.now_ns();
  if (mark.unlimited() || standing.usage.count < mark.count / 4 || !is_due(record, now, kFreshNs)) {
    return false;
  }
  const Subtree subtree = Subtree::below(engine.view, id);
  if (members_of(engine.view, subtree) <= 1) {
    record.members_read_ns.store(now, std::memory_order_relaxed);  // nobody need count them at every sample
    return false;
  }
  if (!here) {
    wake_reclaimer(engine);
    return false;
  }
  return read_members(engine, id, subtree, kFreshNs);
}

bool is_promised_beyond(Engine& engine, ContainerId id, Pages mark) {
  const Subtree subtree = Subtree::below(engine.view, id);
  const auto beyond = [&] { return usage_of(engine.view, subtree) + promised_of(engine.view, subtree) > mark; };
  if (mark.unlimited() || !beyond()) {
    return false;
  }
  static_cast<void>(read_members(engine, id, subtree, 20'000'000));
  return beyond();
}

}  // namespace weir
