// hopeless.h - when paging out what can leave would only thrash, for too much of a container cannot.
//
// Safe in signal handlers.
#pragma once

#include <algorithm>

#include "core/usage.h"
#include "reclaim/engine.h"

namespace weir {

// With less than that which can leave, it is what every process uses all the time: stack, libc's data, and ours. It
// would leave and come back with each sample, and be room each time.
inline Pages least_to_live(Pages limit) {
  constexpr std::uint64_t kOfAProcess = 64;  // pages
  constexpr std::uint64_t kShare = 64;
  return Pages{std::min(kOfAProcess, limit.count / kShare)};
}

// Too much cannot leave.
inline bool is_hopeless(const Engine& engine, ContainerId id, Pages limit) {
  return unevictable_of(engine.view, Subtree::below(engine.view, id)) + least_to_live(limit) > limit;
}

}  // namespace weir
