// charge.h - what happens where memory grows: compare with the marks, wake, wait, reclaim, decide.
//
// Called in the thread that grows: from the fault meter's signal, from the allocator when it
// takes new pages, from mmap. The shape is the kernel's try_charge (mm/memcontrol.c): room, or
// reclaim in the context of the one who asked, or the out-of-memory policy.
//
// Safe in signal handlers. The caller has marked itself as inside weir.
#pragma once

#include "reclaim/engine.h"

namespace weir {

enum class Verdict {
  kRoom,     // go on
  kRefused,  // policy enomem: this allocation must fail
};

// An extent is not touched at once: so much of it counts where it cannot be refused, the fault meter
// and the timer see the rest.
inline constexpr Pages kMostExpected{256};

struct ChargeRequest {
  Pages expected;                // what is about to be touched, at most; where it can be refused, all of it
  bool may_refuse = false;       // an allocation that can fail, not a fault that has happened
  GroupNumber group = kNoGroup;  // the thread group of the thread that grows
  bool may_wait = true;          // false: it may hold locks that who is to make room needs, or is who
  bool is_small = false;         // under "enomem" the reserve is for such as these
  // Bytes the thread has given back to its allocator so far.
  std::uint64_t freed = kFreedUnknown;

  static constexpr std::uint64_t kFreedUnknown = UINT64_MAX;
};

// Makes room for `expected` more pages, within bounded time; applies the container's OOM
// policy when nothing can be reclaimed.
Verdict charge(Engine& engine, const ChargeRequest& request);

// The same for a piece of `pages`, which the thread is about to touch with one fault. More of the
// same size may follow: the reclaimer keeps room for the next one while they come.
void charge_piece(Engine& engine, Pages pages, GroupNumber group = kNoGroup, bool may_wait = true);

// Bounds, for tests and for the README.
inline constexpr int kIdleRoundsBeforeOom = 12;
inline constexpr Pages kDirectBatch{256};

}  // namespace weir
