// own_thread.cc - attributes and signal mask of a thread the program does not know of.
#include "preload/own_thread.h"

#include "preload/real.h"
#include "reclaim/placement.h"

namespace weir {

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
  }
  real_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return error;
}

}  // namespace weir
