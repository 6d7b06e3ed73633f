// group_reclaim.cc - one group after the other, each from what it owns.
#include "reclaim/group_reclaim.h"

#include <algorithm>

namespace weir {
namespace {

Pages excess_of(const Standing& standing, bool direct_only) {
  return direct_only ? standing.usage + kBackgroundBatch - standing.marks.limit : standing.above_low;
}

// The process' background reclaim is off, or the group's own.
bool is_direct(const Engine& engine, GroupNumber group, bool direct_only) {
  const ContainerRecord& container = engine.view.container(engine.groups.container(group));
  return direct_only || container.background.load(std::memory_order_relaxed) == 0;
}

bool is_idle(const Engine& engine, const Standing& standing, bool direct_only) {
  if (direct_only) {
    return engine.waiters.load(std::memory_order_acquire) == 0 || excess_of(standing, true) == Pages::none();
  }
  return standing.above_high == Pages::none();
}

// What its threads may have taken since the last scan is a bound, and nothing to evict by.
void count_again(Engine& engine, GroupNumber group) {
  const Pages low{engine.view.container(engine.groups.container(group)).low_watermark.load(std::memory_order_relaxed)};
  if (engine.groups.held(group) <= low) {
    static_cast<void>(engine.groups.scan(engine.os, engine.pagemap));
  } else {
    static_cast<void>(engine.groups.scan_if_due(engine.os, engine.pagemap));
  }
}

// With what is about to come at once.
Standing standing_of_group(const Engine& engine, GroupNumber group) {
  return engine.groups.standing(group, headroom_of_group(engine, group));
}

// Nor is what the process has come to hold since: it may be anybody's.
Pages grown_by_anybody(const Engine& engine) {
  return is_sampled(engine) ? Pages::none() : engine.groups.grown_since_scan();
}

Standing standing_at_most(const Engine& engine, GroupNumber group) {
  return engine.groups.standing(group, headroom_of_group(engine, group) + grown_by_anybody(engine));
}

// True when pages left.
bool evict_from(Engine& engine, GrowthWatch& watch, GroupNumber group, bool direct_only) {
  ContainerCounters& counters = engine.view.container(engine.groups.container(group)).counters;
  if (!direct_only) {
    count(counters.events_high);
    count(counters.background_runs);
  }
  bool any = false;
  for (int batch = 0; batch < kBatchesPerLook; ++batch) {
    count_again(engine, group);
    const Standing standing = standing_of_group(engine, group);
    const ContainerId sake = direct_only ? standing.container : standing.high_container;
    const Pages spare = spare_of(engine.view, engine.groups.container(group), sake);
    const Pages excess = excess_of(standing, direct_only);
    if (excess == Pages::none()) {
      count(counters.events_low, direct_only ? 0 : 1);
      break;
    }
    const Pages done =
        evict_batch(engine, engine.pagemap, {std::min({excess, spare, kBackgroundBatch}), batch == 0, group}).done;
    watch.poke_if_needed(engine, standing);
    announce_room(engine);
    if (done == Pages::none()) {
      break;
    }
    any = true;
  }
  return any;
}

}  // namespace

Standing nearest_standing(const Engine& engine, const Standing& standing) {
  Standing nearest = standing;
  if (!engine.groups.any() || is_sampled(engine)) {
    return nearest;
  }
  for (GroupNumber group = 0; group < static_cast<GroupNumber>(kGroupPlaces); ++group) {
    if (engine.groups.has(group)) {
      Standing of_group = standing_at_most(engine, group);
      of_group.expected = of_group.expected - grown_by_anybody(engine);
      nearest = of_group.room < nearest.room ? of_group : nearest;
    }
  }
  return nearest;
}

void look_at_groups(Engine& engine, GrowthWatch& watch, LookResult& result, bool direct_only) {
  for (GroupNumber group = 0; group < static_cast<GroupNumber>(kGroupPlaces); ++group) {
    if (!engine.groups.has(group)) {
      continue;
    }
    const bool direct = is_direct(engine, group, direct_only);
    Standing standing = standing_at_most(engine, group);
    if (!is_idle(engine, standing, direct)) {
      purge_if_due(engine);
      // The faults of its threads may have been elsewhere: only a scan tells.
      static_cast<void>(engine.groups.scan(engine.os, engine.pagemap));
      standing = standing_of_group(engine, group);
      if (!is_idle(engine, standing, direct)) {
        result.worked = true;
        result.fruitless = !evict_from(engine, watch, group, direct) || result.fruitless;
        standing = standing_of_group(engine, group);
      }
      announce_room(engine);
    }
    if (standing.room < result.standing.room) {
      result.standing = standing;
    }
  }
}

}  // namespace weir
