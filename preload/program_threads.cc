// program_threads.cc - the program's calls that make threads or processes, set signals, or ask who else runs there.
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>

#include "core/raw_syscall.h"
#include "preload/callbacks.h"
#include "preload/growth.h"
#include "preload/own_image.h"
#include "preload/process.h"
#include "preload/program_calls.h"
#include "preload/real.h"
#include "preload/reclaimer_thread.h"
#include "preload/signal_mask.h"
#include "preload/signals.h"
#include "preload/thread_groups.h"
#include "reclaim/charge.h"
#include "reclaim/look_around.h"

namespace weir {
namespace {

// What a thread's stack may grow to, which passes no hook: libc maps it by itself. One that the program has mapped
// counts once more.
std::size_t stack_bytes(const pthread_attr_t* attributes) {
  static constinit std::atomic<std::size_t> by_default{0};
  std::size_t bytes = by_default.load(std::memory_order_relaxed);
  if (attributes != nullptr) {
    return pthread_attr_getstacksize(attributes, &bytes) == 0 ? bytes : 0;
  }
  pthread_attr_t standard;
  if (bytes == 0 && pthread_getattr_default_np(&standard) == 0) {
    static_cast<void>(pthread_attr_getstacksize(&standard, &bytes));
    pthread_attr_destroy(&standard);
    by_default.store(bytes, std::memory_order_relaxed);
  }
  return bytes;
}

// Who starts a thread holds no lock of an allocator, whosever it is.
void note_threads(const pthread_attr_t* attributes) {
  process().engine.many_threads.store(true, std::memory_order_relaxed);
  expect_unseen(stack_bytes(attributes));
  if (process().thread_wanted.load(std::memory_order_relaxed)) {
    on_safe_point();
  }
  pass_on_mask();
}

// A vfork child has handlers of its own, and its parent's memory.
BorrowedSignal* borrowed_here(int signal) {
  BorrowedSignal* const ours = borrowed(signal);
  return ours == nullptr || is_own_process() ? ours : nullptr;
}

}  // namespace

int program_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  note_threads(attributes);
  ThreadStart* const wrapped = wrap_thread(start, nullptr, argument);
  if (wrapped == nullptr) {
    return real_pthread_create(thread, attributes, start, argument);
  }
  const int error = real_pthread_create(thread, attributes, run_wrapped_thread, wrapped);
  if (error != 0) {
    discard_wrapped_thread(wrapped);
  }
  return error;
}

void make_room_for_fork() {
  Process& p = process();
  if (inside_weir() || p.stage.load(std::memory_order_acquire) != Stage::kAttached || !is_own_process()) {
    return;
  }
  const ClosedScope scope;
  note_fork_of_child(p.engine);
  if (!p.engine.reclaimer_runs.load(std::memory_order_relaxed)) {
    return;
  }
  note_own_faults();
  charge(p.engine, {Pages{1}, false, current_group(), !is_warning_thread()});
}

pid_t program_bare_fork() {
  static constinit RealFunction<pid_t()> real{"_Fork"};
  make_room_for_fork();
  return real.get()();
}

int program_setname(pthread_t thread, const char* name) {
  static constinit RealFunction<int(pthread_t, const char*)> real{"pthread_setname_np"};
  const int error = real.get()(thread, name);
  if (error == 0 && pthread_equal(thread, pthread_self()) == 0) {
    note_foreign_rename();
  } else if (error == 0 && malloc_is_ours()) {
    apply_thread_rules();
  }
  return error;
}

int program_thrd_create(thrd_t* thread, thrd_start_t start, void* argument) {
  static constinit RealFunction<int(thrd_t*, thrd_start_t, void*)> real{"thrd_create"};
  note_threads(nullptr);
  ThreadStart* const wrapped = wrap_thread(nullptr, start, argument);
  if (wrapped == nullptr) {
    return real.get()(thread, start, argument);
  }
  const int error = real.get()(thread, run_wrapped_c11_thread, wrapped);
  if (error != thrd_success) {
    discard_wrapped_thread(wrapped);
  }
  return error;
}

void program_pthread_exit(void* result) {
  static constinit RealFunction<void(void*)> real{"pthread_exit"};
  if (raw_os().pid() == raw_os().tid()) {
    watch_for_last_thread();
  }
  real.get()(result);
  __builtin_unreachable();
}

int program_sigaction_call(int signal, const struct sigaction* action, struct sigaction* old) {
  BorrowedSignal* const ours = borrowed_here(signal);
  if (ours == nullptr) {
    note_program_handler(signal, action);
    return real_sigaction(signal, action, old);
  }
  ours->exchange(action, old);
  return 0;
}

SignalHandler program_signal(int signal, SignalHandler handler) {
  static constinit RealFunction<SignalHandler(int, SignalHandler)> real{"signal"};
  BorrowedSignal* const ours = borrowed_here(signal);
  struct sigaction action = {};
  struct sigaction old = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  if (ours == nullptr) {
    note_program_handler(signal, &action);
    return real.get()(signal, handler);
  }
  ours->exchange(&action, &old);
  return old.sa_handler;
}

int program_sigmask(int how, const sigset_t* set, sigset_t* old) {
  return static_cast<int>(-change_mask(how, set, old));
}

int program_sigprocmask(int how, const sigset_t* set, sigset_t* old) {
  return libc_result(change_mask(how, set, old), -1, 0);
}

int program_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  if (option == PR_SET_SECCOMP) {
    go_passive();
  }
  const long raw = raw_syscall(SYS_prctl, option, static_cast<long>(a), static_cast<long>(b), static_cast<long>(c),
                               static_cast<long>(d));
  if (option == PR_SET_NAME && raw == 0 && malloc_is_ours()) {
    apply_thread_rules();
  }
  return libc_result(raw, -1, static_cast<int>(raw));
}

// Namespaces of users and mounts are entered by processes of one thread only. A new reclaimer
// is started when growth asks for it again.
int program_unshare(int flags) {
  stop_lone_reclaimer();
  return libc_result(raw_syscall(SYS_unshare, flags), -1, 0);
}

int program_setns(int fd, int kind) {
  stop_lone_reclaimer();
  return libc_result(raw_syscall(SYS_setns, fd, kind), -1, 0);
}

}  // namespace weir
