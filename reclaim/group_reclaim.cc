// group_reclaim.cc - one group after the other, each from what it owns.
#include "reclaim/group_reclaim.h"

#include <algorithm>

namespace weir {
namespace {

Pages excess_of(const Standing& standing, bool direct_only) {
  return direct_only ? standing.usage + kBackgroundBatch - standing.marks.limit : standing.above_low;
}

bool is_idle(const Engine& engine, GroupNumber group, const Standing& standing, bool direct_only) {
  const bool off =
      engine.view.container(engine.groups.container(group)).background.load(std::memory_order_relaxed) == 0;
  const bool waited_for = engine.waiters.load(std::memory_order_acquire) != 0;
  return standing.above_high == Pages::none() || ((off || direct_only) && !waited_for);
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

// True when pages left.
bool evict_from(Engine& engine, GrowthWatch& watch, GroupNumber group, bool direct_only) {
  ContainerCounters& counters = engine.view.container(engine.groups.container(group)).counters;
  count(counters.events_high);
  count(counters.background_runs, direct_only ? 0 : 1);
  bool any = false;
  for (int batch = 0; batch < kBatchesPerLook; ++batch) {
    count_again(engine, group);
    const Standing standing = engine.groups.standing(group, Pages::none());
    const Pages wanted = excess_of(standing, direct_only);
    if (wanted == Pages::none()) {
      count(counters.events_low);
      break;
    }
    const Pages done = evict_batch(engine, engine.pagemap, std::min(wanted, kBackgroundBatch), batch == 0, group).done;
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

void look_at_groups(Engine& engine, GrowthWatch& watch, LookResult& result, bool direct_only) {
  for (GroupNumber group = 0; group < static_cast<GroupNumber>(kMostGroups); ++group) {
    if (!engine.groups.has(group)) {
      continue;
    }
    Standing standing = engine.groups.standing(group, Pages::none());
    if (!is_idle(engine, group, standing, direct_only)) {
      purge_if_due(engine);
      // The faults of its threads may have been elsewhere: only a scan tells.
      static_cast<void>(engine.groups.scan(engine.os, engine.pagemap));
      standing = engine.groups.standing(group, Pages::none());
      if (!is_idle(engine, group, standing, direct_only)) {
        result.worked = true;
        result.fruitless = !evict_from(engine, watch, group, direct_only) || result.fruitless;
        standing = engine.groups.standing(group, Pages::none());
      }
      announce_room(engine);
    }
    if (standing.room < result.standing.room) {
      result.standing = standing;
    }
  }
}

}  // namespace weir
