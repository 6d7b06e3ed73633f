// reclaimer_thread.h - the one thread weir may add to a program: started late, gone when asked.
//
// It lives in a descriptor table of its own (close_range with CLOSE_RANGE_UNSHARE), so that
// the program can neither close nor inherit its descriptors; all signals but SIGTRAP and SIGBUS are blocked in it.
#pragma once

#include "reclaim/account.h"

namespace weir {

// Starts it, unless it runs or is barred. Only at a safe point: pthread_create allocates.
void start_reclaimer_thread();
// The CPU-time timer, in the reclaimer's thread. What it has used up by itself is no reason to look.
void on_reclaimer_timer();
// Ends it and waits until the kernel no longer counts it.
void stop_reclaimer_thread();
// The same where the program has one thread: before what only a process of one thread may do.
void stop_lone_reclaimer();
// In a fork child: who was starting or ending it is not there, and the forking thread is its first.
void forget_reclaimer_change();
// Tells it to end, and does not wait. Safe in signal handlers.
void abandon_reclaimer_thread();
// The program's first thread is about to end by pthread_exit: the reclaimer must not be the
// one that keeps the process alive.
void watch_for_last_thread();

}  // namespace weir
