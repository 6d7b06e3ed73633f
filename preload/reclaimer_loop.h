// reclaimer_loop.h - what the reclaimer thread does between its start and its end: look, work, sleep.
#pragma once

#include <atomic>

#include "reclaim/growth_watch.h"

namespace weir {

// What others have to do with it.
struct ReclaimerLoop {
  GrowthWatch watch;  // of the program's own thread, too, while there is no reclaimer (timed_look.h)
  std::atomic<bool> stop_wanted{false};
  std::atomic<bool> first_thread_ended{false};
  std::atomic<int> tid{0};  // 0: it does not run
};
ReclaimerLoop& reclaimer_loop();

// The thread's function, as pthread_create wants it.
void* run_reclaimer(void* unused);

}  // namespace weir
