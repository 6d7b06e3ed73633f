// engine.cc - the steps that background and direct reclaim share.
#include "reclaim/engine.h"

#include <algorithm>
#include <cerrno>
#include <climits>

#include "core/events.h"
#include "core/wake.h"
#include "reclaim/page_out.h"
#include "reclaim/swap_limit.h"

namespace weir {
namespace {

constexpr std::uint64_t kNoSwapBackoffNs = 2'000'000'000;

void book_outcome(Engine& engine, const EvictOutcome& outcome, GroupNumber group) {
  engine.evicted.fetch_add(outcome.done.count, std::memory_order_release);
  engine.groups.note_left_of_all(outcome.done);
  ContainerCounters& counters =
      group == kNoGroup ? engine.counters() : engine.view.container(engine.groups.container(group)).counters;
  count(counters.evict_requested, outcome.requested.count);
  count(counters.evict_done, outcome.done.count);
  count(counters.refault, outcome.refaults);
  engine.came_back += outcome.refaults;
  note_refaults(engine, outcome.refaults);
  engine.refault_time.book(engine, outcome.refaults);
  if (outcome.refaults != 0) {
    const Subtree subtree = Subtree::below(engine.view, engine.account.container());
    note_distances(engine.container().distances, outcome.distances,
                   swap_usage_of(engine.view, subtree) + Pages{outcome.refaults}, engine.os.now_ns());
  }
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    count(counters.evict_stayed[i], outcome.stayed[i].count);
  }
}

// One pass that met a full or missing swap is enough to know: eviction rests for a while.
void note_no_swap(Engine& engine, const EvictOutcome& outcome) {
  const auto no_swap = static_cast<std::size_t>(StayReason::kNoSwap);
  if (outcome.stayed[no_swap] == Pages::none() || outcome.done > Pages::none()) {
    return;
  }
  const std::uint64_t now = engine.os.now_ns();
  if (engine.no_swap_until_ns.exchange(now + kNoSwapBackoffNs, std::memory_order_relaxed) + kNoSwapBackoffNs < now) {
    post_event(engine.os, engine.view,
               {EventKind::kNoSwap, engine.account.container(), engine.account.pid(), {}, "swap is missing or full"});
  }
}

void add(EvictOutcome& total, const EvictOutcome& outcome) {
  total.done = total.done + outcome.done;
  total.small = total.small + outcome.small;
  total.requested = total.requested + outcome.requested;
  total.refaults += outcome.refaults;
  for (std::size_t i = 0; i < kDistanceClasses; ++i) {
    total.distances[i] += outcome.distances[i];
  }
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    total.stayed[i] = total.stayed[i] + outcome.stayed[i];
  }
}

// Looks for evidence of use, where enough comes back to pay for it. `here`: not by the reclaimer.
void gather_evidence(Engine& engine, bool here) {
  constexpr std::uint64_t kLeastShare = 16;
  const ReclaimGuard guard(engine.os, engine.evidence_lock, 0);
  if (!guard.held()) {
    return;
  }
  const std::uint64_t back = engine.came_back - engine.refaults_judged;
  const std::uint64_t gone = engine.evicted.load(std::memory_order_relaxed) - engine.evicted_judged;
  if (back * kLeastShare < gone || back == 0 || !engine.evidence.is_due(engine.os.now_ns())) {
    return;
  }
  engine.refaults_judged += back;
  engine.evicted_judged += gone;
  static_cast<void>(here
                        ? engine.evidence.pass_here(engine.os, engine.shared)
                        : engine.evidence.pass(engine.os, engine.shared, UseEvidence::For::kRanking, engine.interlude));
}

// Of a group what it owns. Of the process everything but what is to be spared.
OwnerFilter filter_of(Engine& engine, GroupNumber group, bool patient) {
  if (group != kNoGroup) {
    return {&engine.groups.owners(), std::uint32_t{1} << engine.groups.owner_mark(group)};
  }
  const std::uint32_t spared = engine.groups.marks_to_spare(patient);
  return spared == 0 ? OwnerFilter{} : OwnerFilter{&engine.groups.owners(), ~spared};
}

// False when it cannot be had. Another thread may have built it meanwhile.
bool rebuild_ranking(Engine& engine, Pagemap& pagemap, bool patient, const OwnerFilter& filter) {
  constexpr std::int64_t kLockWaitNs = 50'000'000;
  const ReclaimGuard guard(engine.os, engine.shared.lock, kLockWaitNs);
  Candidate any;
  Ranking& ranking = engine.shared.ranking;
  if (!guard.held() || (ranking.is_for(filter) && ranking.peek(any))) {
    return guard.held();
  }
  const int error = ranking.build(engine.os, pagemap, engine.own, patient, filter, engine.account.last_reading());
  if (filter.owners == nullptr) {
    engine.record().unevictable_pages.store(ranking.unevictable().count, std::memory_order_relaxed);
  }
  return error == 0;
}

// Torn reads do no harm: others only choose by it whom to wake.
void publish_heat(Engine& engine) {
  for (std::uint32_t i = 0; i < kHeatClasses; ++i) {
    engine.record().heat[i].store(engine.shared.ranking.heat(i), std::memory_order_relaxed);
  }
}

// What is read ahead is memory that nobody charges, in the swap cache.
Pages most_ahead(const Engine& engine) {
  return Pages{marks_of(engine.container()).limit.count / 8};
}

void book_readahead(Engine& engine, const ReadaheadOutcome& outcome) {
  count(engine.counters().readahead, outcome.asked.count);
  count(engine.counters().readahead_hit, outcome.hits.count);
}

Pages help_wanted_in(const Engine& engine, ContainerId at, std::uint64_t now) {
  const ContainerRecord& record = engine.view.container(at);
  const bool lasts = now < record.help_until_ns.load(std::memory_order_acquire);
  return lasts ? Pages{record.help_pages.load(std::memory_order_relaxed)} : Pages::none();
}

}  // namespace

void await_reclaimer(Engine& engine) {
  constexpr std::int64_t kStepNs = 200'000;
  constexpr int kSteps = 500;
  for (int i = 0; i < kSteps && !engine.reclaimer_ready.load(std::memory_order_acquire) &&
                  engine.reclaimer_runs.load(std::memory_order_acquire);
       ++i) {
    FutexWord never{0};
    static_cast<void>(engine.os.futex_wait(never, 0, kStepNs));
  }
}

Pages headroom(Engine& engine) {
  const std::uint64_t now = engine.os.now_ns();
  std::uint64_t pages = 0;
  if (now < engine.headroom_until_ns.load(std::memory_order_relaxed)) {
    pages = engine.headroom.load(std::memory_order_relaxed);
  }
  for (const ContainerId at : Upwards(engine.view, engine.account.container())) {
    pages = std::max(pages, help_wanted_in(engine, at, now).count);
  }
  return Pages{pages};
}

Pages headroom_of_group(const Engine& engine, GroupNumber group) {
  const std::uint64_t now = engine.os.now_ns();
  const ContainerId end = engine.account.container();
  Pages pages;
  for (const ContainerId at : Upwards(engine.view, engine.groups.container(group))) {
    if (at == end) {
      break;
    }
    pages = std::max(pages, help_wanted_in(engine, at, now));
  }
  return pages;
}

void wake_reclaimer(Engine& engine) {
  if (engine.reclaimer_sleeps.load(std::memory_order_acquire)) {
    wake_reclaimer_of(engine.os, engine.record());
  }
}

void ask_reclaimer(Engine& engine, std::uint32_t what, std::int64_t most_ns) {
  engine.asked_here.fetch_or(what, std::memory_order_acq_rel);
  engine.record().wake.fetch_add(1, std::memory_order_release);
  static_cast<void>(engine.os.futex_wake(engine.record().wake, 1));
  const std::uint64_t until = engine.os.now_ns() + static_cast<std::uint64_t>(most_ns);
  for (std::uint64_t now = engine.os.now_ns(); now < until; now = engine.os.now_ns()) {
    const std::uint32_t asked = engine.asked_here.load(std::memory_order_acquire);
    if ((asked & what) == 0) {
      break;
    }
    const SysResult woken = engine.os.futex_wait(engine.asked_here, asked, static_cast<std::int64_t>(until - now));
    if (!woken.ok() && woken.error() != EAGAIN && woken.error() != EINTR) {
      break;
    }
  }
}

std::uint32_t asked_here(const Engine& engine) {
  return engine.asked_here.load(std::memory_order_acquire);
}

void answer_here(Engine& engine, std::uint32_t what) {
  engine.asked_here.fetch_and(~what, std::memory_order_acq_rel);
  static_cast<void>(engine.os.futex_wake(engine.asked_here, INT_MAX));
}

EvictOutcome evict_batch(Engine& engine, Pagemap& pagemap, const BatchOrder& order) {
  EvictOutcome total;
  Pages wanted = order.wanted;
  const GroupNumber group = order.group;
  const OwnerFilter filter = filter_of(engine, group, order.patient);
  if (engine.os.now_ns() < engine.no_swap_until_ns.load(std::memory_order_relaxed)) {
    return total;
  }
  engine.shared.ranking.set_clock(engine.counters().evict_done.load(std::memory_order_relaxed) +
                                  engine.evicted_of_groups.load(std::memory_order_relaxed));
  const MemberId payer = group == kNoGroup ? engine.account.member() : engine.groups.member(group);
  const SwapAllowance allowance(engine, payer, engine.view.book(payer).load(), wanted);
  Pages most = allowance.limited() ? allowance.pages() : Pages::all();
  if (most < wanted) {
    Pages& stayed = total.stayed[static_cast<std::size_t>(StayReason::kSwapLimit)];
    stayed = stayed + (wanted - most);
    wanted = most;
  }
  if (order.exact) {
    most = std::min(most, Pages{(wanted.count + kPagesPerGranule - 1) / kPagesPerGranule * kPagesPerGranule});
  }
  for (int builds = 0; total.done < wanted && (most - total.done).count >= kPagesPerGranule;) {
    const bool here = &pagemap != &engine.pagemap;
    const EvictOutcome outcome = evict(engine.os, pagemap, engine.shared, wanted - total.done, most - total.done,
                                       filter, order.unused_for, here ? nullptr : engine.interlude);
    add(total, outcome);
    if (outcome.ranking_empty && (!here || evicts_in_place(engine))) {
      gather_evidence(engine, here);
    }
    if (outcome.ranking_empty && (++builds > 1 || !rebuild_ranking(engine, pagemap, order.patient, filter))) {
      break;
    }
    if (!outcome.ranking_empty && total.done < wanted) {
      break;  // the lock could not be had, or the rest is in use
    }
  }
  publish_heat(engine);
  engine.placement.note_left(total.done, total.small);
  book_outcome(engine, total, group);
  if (group != kNoGroup) {
    engine.groups.note_left(group, total.done);
    engine.evicted_of_groups.fetch_add(total.done.count, std::memory_order_relaxed);
  }
  note_no_swap(engine, total);
  return total;
}

int rank_anew(Engine& engine, Pagemap& pagemap) {
  constexpr std::int64_t kLockWaitNs = 50'000'000;
  Ranking& ranking = engine.shared.ranking;
  EvictOutcome found;
  ranking.set_clock(engine.counters().evict_done.load(std::memory_order_relaxed));
  {
    const ReclaimGuard guard(engine.os, engine.shared.lock, kLockWaitNs);
    const int error = guard.held() ? ranking.build(engine.os, pagemap, engine.own, true) : EBUSY;
    if (error != 0) {
      return error;
    }
    engine.record().unevictable_pages.store(ranking.unevictable().count, std::memory_order_relaxed);
    found.refaults = ranking.take_refaults(found.distances);
  }
  publish_heat(engine);
  book_outcome(engine, found, kNoGroup);
  return 0;
}

void read_ahead(Engine& engine) {
  if (engine.readahead.has_wishes()) {
    book_readahead(engine, engine.readahead.serve(engine.os, engine.pagemap, most_ahead(engine)));
  }
}

void follow_fronts(Engine& engine) {
  constexpr std::int64_t kLockWaitNs = 50'000;
  const ReclaimGuard guard(engine.os, engine.shared.lock, kLockWaitNs);
  if (guard.held()) {
    book_readahead(engine, engine.shared.ranking.follow_fronts(engine.os, engine.pagemap, most_ahead(engine)));
  }
}

void purge_and_book(Engine& engine, const StatmFile* statm) {
  if (engine.purge == nullptr) {
    return;
  }
  engine.account.refresh(engine.os, statm);
  const Pages before = engine.account.last_reading();
  engine.purge();
  engine.account.refresh(engine.os, statm);
  count(engine.counters().purged, (before - engine.account.last_reading()).count);
}

}  // namespace weir
