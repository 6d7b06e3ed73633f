// own_thread.h - starting a thread of weir's own in somebody else's program.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <cstddef>

namespace weir {

struct OwnThread {
  void* (*run)(void*) = nullptr;
  std::size_t stack_bytes = 0;  // 0: the program's default
  bool joinable = false;
  int open_signal = 0;  // the one signal it takes; 0: none
  bool on_this_core = false;
};

// The program's signals stay with its own threads, and a real-time program's priority is not handed
// on. 0 or an errno; `thread` is only of use when it is joinable.
int start_own_thread(const OwnThread& wanted, pthread_t& thread);

// The last that such a thread does before it returns.
void end_own_thread();

// False: glibc counts our threads as the program's, and would wait for them when its last one has ended. First called
// at the start, for it asks the dynamic linker, whose lock may be another thread's later.
bool own_threads_are_uncounted();

}  // namespace weir
