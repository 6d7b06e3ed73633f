// background.cc - the reclaimer's work between two sleeps.
#include "reclaim/background.h"

#include "reclaim/adaptive_marks.h"
#include "reclaim/batches.h"
#include "reclaim/group_reclaim.h"
#include "reclaim/left_behind.h"
#include "reclaim/mute_members.h"
#include "reclaim/other_members.h"

namespace weir {
namespace {

bool help_is_wanted(const Engine& engine, const Standing& standing) {
  const Counter& until = engine.view.container(standing.container).help_until_ns;
  return engine.os.now_ns() < until.load(std::memory_order_acquire);
}

Standing refreshed(Engine& engine) {
  if (engine.groups.any()) {
    static_cast<void>(engine.groups.scan_if_due(engine.os, engine.pagemap));
  }
  engine.account.recount_shared(engine.os, engine.pagemap);
  engine.account.refresh(engine.os, &engine.statm);
  return engine.account.standing(headroom(engine));
}

// Batch by batch until there is nothing left to do, or nothing leaves. `id` is the container it is
// about: another one when that comes above high, never the one that a standing below high names.
void work_down(Engine& engine, GrowthWatch& watch, bool direct_only, ContainerId& id, LookResult& result) {
  for (int batch = 0; batch < kBatchesPerLook; ++batch) {
    const Pages wanted = target(engine, result.standing, direct_only);
    if (wanted == Pages::none()) {
      count(engine.view.container(id).counters.events_low, direct_only ? 0 : 1);
      return;
    }
    read_ahead(engine);
    id = result.standing.above_high > Pages::none() ? result.standing.high_container : id;
    const Batch did = evict_our_part(engine, engine.pagemap, &engine.statm, id, wanted);
    if (did == Batch::kOthersDo) {
      result.deferred = true;  // look again soon: they may not manage
      return;
    }
    result.standing = refreshed(engine);
    watch.poke_if_needed(engine, result.standing);
    if (did == Batch::kNothingLeft) {
      result.fruitless = true;
      return;
    }
  }
}

// Whether it is for others to give, at least for now.
bool others_give(Engine& engine, const Standing& standing, bool direct_only) {
  const Pages all = direct_only ? Pages::none() : standing.above_low;
  return (all > Pages::none() && share_of(engine, standing.high_container, all) == Pages::none()) ||
         defers(engine, standing);
}

// Purges, then pages out, and counts what it took.
void work(Engine& engine, GrowthWatch& watch, bool direct_only, LookResult& result) {
  result.worked = true;
  const std::uint64_t cpu = engine.os.thread_cpu_ns();
  ContainerId id = result.standing.high_container;
  ContainerCounters& counters = engine.view.container(id).counters;
  if (!direct_only) {
    count(counters.events_high);
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
}

LookResult look_at_process(Engine& engine, GrowthWatch& watch, bool direct_only) {
  LookResult result;
  if (!direct_only) {
    read_ahead(engine);
  }
  result.standing = refreshed(engine);
  const bool waited_for =
      engine.waiters.load(std::memory_order_acquire) != 0 || help_is_wanted(engine, result.standing);
  if (result.standing.above_high == Pages::none()) {
    static_cast<void>(watch_the_silent(engine, result.standing, true));
    result.unsure = is_promised_beyond(engine, result.standing.container, result.standing.marks.high);
    result.standing = engine.account.standing(headroom(engine));
  }
  const bool above = direct_only ? waited_for && target(engine, result.standing, true) > Pages::none()
                                 : result.standing.above_high > Pages::none();
  if (!above) {
    if (waited_for) {
      announce_room(engine);
    }
    return result;
  }
  const Pages wanted = direct_only ? result.standing.usage - result.standing.marks.limit : result.standing.above_low;
  if (page_out_of_mute(engine, result.standing.high_container, wanted) > Pages::none()) {
    result.standing = refreshed(engine);
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
  result.deferred = !waited_for && others_give(engine, result.standing, direct_only);
  if (!result.deferred) {
    work(engine, watch, direct_only, result);
  }
  return result;
}

LookResult look_at_all(Engine& engine, GrowthWatch& watch, bool direct_only) {
  if (!engine.groups.any()) {
    return look_at_process(engine, watch, direct_only);
  }
  settle_left_behind(engine);
  if (!is_sampled(engine)) {
    engine.account.refresh(engine.os, &engine.statm);  // by which they may have grown
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

}  // namespace

LookResult look(Engine& engine, GrowthWatch& watch, bool direct_only) {
  if (engine.purge_wanted.load(std::memory_order_acquire)) {
    purge_if_due(engine);  // whoever's limit it is about
  }
  const std::uint64_t evicted = engine.evicted.load(std::memory_order_relaxed);
  const std::uint64_t faults = engine.os.thread_faults();
  LookResult result = look_at_all(engine, watch, direct_only);
  // What it needs itself comes back by its own hand: where nothing else leaves, that is no gain.
  const std::uint64_t gone = engine.evicted.load(std::memory_order_relaxed) - evicted;
  result.fruitless = result.fruitless || (gone > 0 && (engine.os.thread_faults() - faults) * 2 >= gone);
  engine.record().reclaimer_cpu_ns.store(engine.os.thread_cpu_ns(), std::memory_order_relaxed);
  engine.looks.fetch_add(1, std::memory_order_release);
  return result;
}

}  // namespace weir
