// background.cc - the reclaimer's work between two sleeps.
#include "reclaim/background.h"

#include <algorithm>

namespace weir {
namespace {

void announce_room(Engine& engine) {
  engine.room.fetch_add(1, std::memory_order_release);
  if (engine.waiters.load(std::memory_order_acquire) != 0) {
    static_cast<void>(engine.os.futex_wake(engine.room, INT32_MAX));
  }
}

// How much must leave: down to low for the background, to the limit for somebody who waits.
Pages target(const Standing& standing, bool direct_only) {
  if (!direct_only) {
    return standing.above_low;
  }
  return standing.usage + kBackgroundBatch - standing.marks.limit;
}

Pages one_batch(Engine& engine, Pages wanted) {
  engine.account.recount_shared(engine.os, engine.pagemap);
  return evict_batch(engine, engine.pagemap, std::min(wanted, kBackgroundBatch), true).done;
}

bool help_is_wanted(const Engine& engine, const Standing& standing) {
  const Counter& until = engine.view.container(standing.container).help_until_ns;
  return engine.os.now_ns() < until.load(std::memory_order_acquire);
}

Standing refreshed(Engine& engine) {
  engine.account.refresh(engine.os, &engine.statm);
  return engine.account.standing(headroom(engine));
}

}  // namespace

LookResult look(Engine& engine, GrowthWatch& watch, bool direct_only) {
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
  result.worked = true;
  const std::uint64_t cpu = engine.os.thread_cpu_ns();
  ContainerCounters& counters = engine.view.container(result.standing.high_container).counters;
  count(counters.events_high);
  if (!direct_only) {
    count(counters.background_runs);
  }
  refresh_others(engine, result.standing.high_container);
  purge_and_book(engine, &engine.statm);
  result.standing = refreshed(engine);
  for (int batch = 0; batch < kBatchesPerLook; ++batch) {
    const Pages wanted = target(result.standing, direct_only);
    if (wanted == Pages::none()) {
      count(counters.events_low);
      break;
    }
    read_ahead(engine);
    const Pages mine = beyond_minimum(engine.view, engine.account.container(), result.standing.high_container);
    const Pages got = one_batch(engine, std::min(wanted, mine));
    result.standing = refreshed(engine);
    announce_room(engine);
    watch.poke_if_needed(engine, result.standing);
    if (got == Pages::none()) {
      result.fruitless = true;
      break;
    }
  }
  announce_room(engine);
  if (!direct_only) {
    count(counters.background_ns, engine.os.thread_cpu_ns() - cpu);
  }
  return result;
}

}  // namespace weir
