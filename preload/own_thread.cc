// own_thread.cc - attributes and signal mask of a thread the program does not know of.
#include "preload/own_thread.h"

#include <dlfcn.h>

#include <atomic>

#include "preload/real.h"
#include "reclaim/placement.h"

namespace weir {
namespace {

// How many threads glibc knows of: the one that ends as the last calls exit(0), with what is buffered written and
// atexit's functions run (nptl/pthread_create.c, start_thread). Ours must not be counted: a program whose first thread
// has called pthread_exit would else never end, or end without that. Private to glibc, exported since 2.34.
unsigned* counted_threads() {
  static constinit std::atomic<unsigned*> known{nullptr};
  unsigned* count = known.load(std::memory_order_acquire);
  if (count == nullptr) {
    count = static_cast<unsigned*>(dlsym(RTLD_DEFAULT, "__nptl_nthreads"));
    known.store(count, std::memory_order_release);
  }
  return count;
}

void recount(unsigned by) {
  if (unsigned* const count = counted_threads(); count != nullptr) {
    std::atomic_ref(*count).fetch_add(by, std::memory_order_relaxed);
  }
}

}  // namespace

int start_own_thread(const OwnThread& wanted, pthread_t& thread) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (wanted.stack_bytes != 0) {
    pthread_attr_setstacksize(&attributes, wanted.stack_bytes);
  }
  pthread_attr_setdetachstate(&attributes, wanted.joinable ? PTHREAD_CREATE_JOINABLE : PTHREAD_CREATE_DETACHED);
  pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  sigset_t blocked;
  sigset_t before;
  sigfillset(&blocked);
  sigdelset(&blocked, SIGBUS);  // of a lost registry; blocked it would kill
  if (wanted.open_signal != 0) {
    sigdelset(&blocked, wanted.open_signal);
  }
  real_sigmask(SIG_SETMASK, &blocked, &before);
  int error = 0;
  {
    // No signal comes in between: a handler that jumps away, or calls exec, would take the core along.
    const StayOnCore stay(raw_os(), wanted.on_this_core);
    error = real_pthread_create(&thread, &attributes, wanted.run, nullptr);
    if (error == 0) {
      recount(-1U);
    }
  }
  real_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return error;
}

void end_own_thread() {
  recount(1);  // its return counts one less
}

bool own_threads_are_uncounted() {
  return counted_threads() != nullptr;
}

}  // namespace weir
