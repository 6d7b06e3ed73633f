// background.cc - the reclaimer's work between two sleeps.
#include "reclaim/background.h"

#include <algorithm>

#include "reclaim/adaptive_marks.h"
#include "reclaim/group_reclaim.h"

namespace weir {
namespace {

bool next_is_hot(Engine& engine) {
  constexpr std::int64_t kLockWaitNs = 5'000'000;
  const ReclaimGuard guard(engine.os, engine.shared.lock, kLockWaitNs);
  return guard.held() && engine.shared.ranking.next_is_hot();
}

// How much must leave: down to low for the background, to the limit for somebody who waits. The
// brake: where even the coldest is in use, only as much as brings usage just below high again.
Pages target(Engine& engine, const Standing& standing, bool direct_only) {
  if (!direct_only) {
    const Pages least = standing.above_high + kBackgroundBatch;
    return next_is_hot(engine) ? std::min(standing.above_low, least) : standing.above_low;
  }
  return standing.usage + kBackgroundBatch - standing.marks.limit;
}

// Several members come to the same conclusion at once: what the others have in hand already is
// not taken a second time. Nothing (pages, not none) means that they see to all of it.
Pages share_of(Engine& engine, ContainerId id, Pages wanted) {
  return wanted - leaving_of(engine.view, Subtree::below(engine.view, id), engine.account.member());
}

Pages one_batch(Engine& engine, Pages wanted) {
  engine.account.recount_shared(engine.os, engine.pagemap);
  const Pages batch = std::min(wanted, kBackgroundBatch);
  engine.record().leaving_pages.store(batch.count, std::memory_order_relaxed);
  const Pages done = evict_batch(engine, engine.pagemap, batch, true).done;
  // Off the books before it is off this count: in between it would be missed by both.
  engine.account.refresh(engine.os, &engine.statm);
  engine.record().leaving_pages.store(0, std::memory_order_relaxed);
  return done;
}

bool help_is_wanted(const Engine& engine, const Standing& standing) {
  const Counter& until = engine.view.container(standing.container).help_until_ns;
  return engine.os.now_ns() < until.load(std::memory_order_acquire);
}

// A purge walks all arenas: not at every turn of a busy reclaimer.
void purge_if_due(Engine& engine) {
  constexpr std::uint64_t kPauseNs = 20'000'000;
  const std::uint64_t now = engine.os.now_ns();
  if (now - engine.purged_ns >= kPauseNs) {
    engine.purged_ns = now;
    purge_and_book(engine, &engine.statm);
  }
}

// What this process has paged out, for others to know its size by.
void publish_swapped(Engine& engine) {
  constexpr std::uint64_t kPauseNs = 20'000'000;
  const std::uint64_t now = engine.os.now_ns();
  if (now - engine.swap_published_ns < kPauseNs) {
    return;
  }
  engine.swap_published_ns = now;
  ProcessMemory memory;
  if (read_process_memory(engine.os, engine.account.pid(), memory) == 0) {
    const Pages groups{engine.record().groups_swapped.load(std::memory_order_relaxed)};
    engine.record().swap_pages.store((memory.swapped - groups).count, std::memory_order_relaxed);
  }
}

// Those that are held or idle give back first, and get a moment to do so.
bool defers(Engine& engine, const Standing& standing) {
  constexpr std::uint64_t kPatienceNs = 10'000'000;
  const std::uint64_t now = engine.os.now_ns();
  if (!colder_members_give(engine, standing.high_container)) {
    engine.deferred_since_ns = 0;
    return false;
  }
  engine.deferred_since_ns = engine.deferred_since_ns == 0 ? now : engine.deferred_since_ns;
  return now - engine.deferred_since_ns < kPatienceNs;
}

Standing refreshed(Engine& engine) {
  if (engine.groups.any()) {
    static_cast<void>(engine.groups.scan_if_due(engine.os, engine.pagemap));
  }
  engine.account.refresh(engine.os, &engine.statm);
  return engine.account.standing(headroom(engine));
}

// Batch by batch until there is nothing left to do, or nothing leaves. `id` is the container it is
// about: another one when that comes above high, never the one that a standing below high names.
void work_down(Engine& engine, GrowthWatch& watch, bool direct_only, ContainerId& id, LookResult& result) {
  for (int batch = 0; batch < kBatchesPerLook; ++batch) {
    const Pages wanted = target(engine, result.standing, direct_only);
    if (wanted == Pages::none()) {
      count(engine.view.container(id).counters.events_low);
      return;
    }
    read_ahead(engine);
    id = result.standing.above_high > Pages::none() ? result.standing.high_container : id;
    const Pages share = share_of(engine, id, wanted);
    if (share == Pages::none()) {
      result.deferred = true;  // look again soon: they may not manage
      return;
    }
    const Pages mine = beyond_minimum(engine.view, engine.account.container(), id);
    const Pages got = one_batch(engine, std::min(share, mine));
    result.standing = refreshed(engine);
    announce_room(engine);
    watch.poke_if_needed(engine, result.standing);
    if (got == Pages::none()) {
      result.fruitless = true;
      return;
    }
  }
}

LookResult look_at_process(Engine& engine, GrowthWatch& watch, bool direct_only) {
  LookResult result;
  if (!direct_only) {
    read_ahead(engine);
  }
  result.standing = refreshed(engine);
  const bool waited_for =
      engine.waiters.load(std::memory_order_acquire) != 0 || help_is_wanted(engine, result.standing);
  const bool above = result.standing.above_high > Pages::none();
  if (!above || (direct_only && !waited_for)) {
    if (waited_for) {
      announce_room(engine);
    }
    return result;
  }
  // Before all that takes its time: who has outrun us already may help.
  watch.poke_if_needed(engine, result.standing, GrowthWatch::After::kNothing);
  // First of all: what the dead had in hand would be waited for in vain.
  refresh_others(engine, result.standing.high_container);
  const Pages all = direct_only ? Pages::none() : result.standing.above_low;
  const bool others_see_to_it =
      all > Pages::none() && share_of(engine, result.standing.high_container, all) == Pages::none();
  result.deferred = !waited_for && (others_see_to_it || defers(engine, result.standing));
  if (result.deferred) {
    return result;
  }
  result.worked = true;
  const std::uint64_t cpu = engine.os.thread_cpu_ns();
  ContainerId id = result.standing.high_container;
  ContainerCounters& counters = engine.view.container(id).counters;
  count(counters.events_high);
  if (!direct_only) {
    count(counters.background_runs);
  }
  purge_if_due(engine);
  result.standing = refreshed(engine);
  work_down(engine, watch, direct_only, id, result);
  publish_swapped(engine);
  engine.refault_time.measure(engine.os);
  announce_room(engine);
  if (!direct_only) {
    adapt_marks(engine, id);
    count(counters.background_ns, engine.os.thread_cpu_ns() - cpu);
  }
  return result;
}

}  // namespace

void announce_room(Engine& engine) {
  engine.room.fetch_add(1, std::memory_order_release);
  if (engine.waiters.load(std::memory_order_acquire) != 0) {
    static_cast<void>(engine.os.futex_wake(engine.room, INT32_MAX));
  }
}

LookResult look(Engine& engine, GrowthWatch& watch, bool direct_only) {
  if (!engine.groups.any()) {
    return look_at_process(engine, watch, direct_only);
  }
  static_cast<void>(engine.groups.scan_if_due(engine.os, engine.pagemap));
  LookResult groups;
  look_at_groups(engine, watch, groups, direct_only);
  LookResult result = look_at_process(engine, watch, direct_only);
  result.fruitless = (result.fruitless || groups.fruitless) && !(result.worked && !result.fruitless);
  result.worked = result.worked || groups.worked;
  if (groups.standing.room < result.standing.room) {
    result.standing = groups.standing;
  }
  return result;
}

}  // namespace weir
