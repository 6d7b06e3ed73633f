// timed_look.h - without a reclaimer: a timer on the CPU time of the process looks instead.
#pragma once

#include "reclaim/account.h"

namespace weir {

// Until a safe point comes: a timer on this process' CPU time looks, by the distance to the nearest mark. Safe in
// signal handlers.
void watch_by_timer();
// In a fork child: memory that it has inherited becomes its own without an allocation. That is watched where it is
// much.
void watch_inherited_memory();
// After such a look. Safe in signal handlers.
void plan_timed_look(const Standing& standing);
// There will be none: the timer interrupts the calling thread itself from now on.
void start_threadless_meter();

// No timer any more, and no reclaimer at the next safe point.
void stop_timed_look();

}  // namespace weir
