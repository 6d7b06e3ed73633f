// background.cc - the reclaimer's work between two sleeps.
#include "reclaim/background.h"

#include <algorithm>

#include "reclaim/adaptive_marks.h"
#include "reclaim/batches.h"
#include "reclaim/group_reclaim.h"

namespace weir {
namespace {

bool help_is_wanted(const Engine& engine, const Standing& standing) {
  const Counter& until = engine.view.container(standing.container).help_until_ns;
  return engine.os.now_ns() < until.load(std::memory_order_acquire);
}

// A purge walks all arenas: not at every turn of a busy reclaimer.
void purge_if_due(Engine& engine) {
  constexpr std::uint64_t kPauseNs = 20'000'000;
  const std::uint64_t now = engine.os.now_ns();
  if (now - engine.purged_ns.load(std::memory_order_relaxed) >= kPauseNs) {
    engine.purged_ns.store(now, std::memory_order_relaxed);
    purge_and_book(engine, &engine.statm);
  }
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
    const Pages got = one_batch(engine, engine.pagemap, &engine.statm, std::min(share, mine));
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
  if (!direct_only && !waited_for && evicts_in_place(engine) && engine.placement.thread_works(engine.os.now_ns())) {
    purge_if_due(engine);
    engine.refault_time.measure(engine.os);
    result.left_to_thread = true;
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
