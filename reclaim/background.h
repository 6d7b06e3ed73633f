// background.h - one look of the reclaimer thread: read, compare, give back until below low.
//
// Bounded batches, a refreshed account after each, and waiters woken as soon as there is room.
// Stops below low, or when a pass frees nothing. Its work never counts as a stall.
//
// Runs in the reclaimer thread only.
#pragma once

#include "reclaim/batches.h"
#include "reclaim/growth_watch.h"

namespace weir {

struct LookResult {
  Standing standing;
  bool worked = false;          // it was above high and something was tried
  bool left_to_thread = false;  // which evicts where it grows
  bool deferred = false;        // members that are held give back first
  bool fruitless = false;       // and nothing left, or nothing but what the reclaimer took back itself
  bool unsure = false;          // what others have promised may be there by now: they were read a moment ago
};

// Looks once; `watch` pokes those who grow meanwhile; `direct_only` (WEIR_BACKGROUND=off) serves waiters and leaves the
// watermarks alone.
LookResult look(Engine& engine, GrowthWatch& watch, bool direct_only);

// How long the reclaimer may sleep after such a look, ns; negative: until it is woken.
constexpr std::int64_t pause_after(const LookResult& result) {
  constexpr std::int64_t kMillisecond = 1'000'000;
  if (result.left_to_thread || (result.unsure && !result.worked && !result.deferred)) {
    return 20 * kMillisecond;
  }
  if (result.fruitless) {
    return 100 * kMillisecond;
  }
  if (result.deferred) {
    return kMillisecond / 4;
  }
  return result.worked ? 0 : -1;
}

// After this many batches the account, the requests and the other containers get their turn.
inline constexpr int kBatchesPerLook = 64;

}  // namespace weir
