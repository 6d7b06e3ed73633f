// program_calls.cc - counting threads and mappings, stepping aside where one thread is wanted.
#include "preload/program_calls.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>

#include "core/raw_syscall.h"
#include "preload/growth.h"
#include "preload/own_image.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/reclaimer_thread.h"
#include "preload/signal_mask.h"
#include "preload/signals.h"
#include "preload/thread_groups.h"
#include "preload/timed_look.h"

namespace weir {
namespace {

// libc answers with -1 and errno.
template <typename Result>
Result libc_result(long raw, Result failed, Result succeeded) {
  if (raw < 0 && raw > -4096) {
    errno = static_cast<int>(-raw);
    return failed;
  }
  return succeeded;
}

// Memory of its own that the program can fill: with pages of a file, too, once it has written to them.
bool can_grow(int protection, int flags) {
  return (flags & MAP_PRIVATE) != 0 && (protection & PROT_WRITE) != 0;
}

// A reservation is made to be touched in part, and a file's pages are there: neither is refused for its size.
bool is_asked_for_whole(int flags) {
  return (flags & MAP_ANONYMOUS) != 0 && (flags & (MAP_NORESERVE | MAP_STACK | MAP_FIXED)) == 0;
}

constexpr std::size_t kLargeCommit = 256 * kKiB;

// Where a thread may not be started: by a program's own allocator with its locks in hand, in a signal handler.
void watch_until_safe() {
  if (process().thread_wanted.load(std::memory_order_relaxed) && !inside_weir() && is_own_process()) {
    watch_by_timer();
  }
}

// Of threads that grow all at once, most have been looked at before the first of them starts the reclaimer.
void after_mapping() {
  await_meter();
  if (!process().thread_wanted.load(std::memory_order_relaxed)) {
    return;
  }
  if (malloc_is_ours()) {
    on_safe_point();
  } else {
    watch_until_safe();
  }
}

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

void* program_mmap(void* address, std::size_t bytes, int protection, int flags, int fd, off_t offset) {
  if (thread_groups_wanted() && can_grow(protection, flags) && malloc_is_ours() && !inside_weir()) {
    check_thread_name();
  }
  if (can_grow(protection, flags) && !on_growth(bytes, is_asked_for_whole(flags))) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  const long raw = raw_syscall(SYS_mmap, sys_arg(address), static_cast<long>(bytes), protection, flags, fd, offset);
  if (raw > 0) {
    own_mapping(reinterpret_cast<void*>(raw), bytes);
  }
  after_mapping();
  return libc_result(raw, MAP_FAILED, reinterpret_cast<void*>(raw));
}

void* program_mremap(void* old_address, std::size_t old_bytes, std::size_t new_bytes, int flags, void* new_address) {
  if (new_bytes > old_bytes && !on_growth(new_bytes - old_bytes, (flags & MREMAP_FIXED) == 0)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(old_address);
  UseEvidence& evidence = process().engine.evidence;
  long raw = -EFAULT;
  for (int tries = 0; tries < 3 && raw == -EFAULT; ++tries) {  // the reclaimer may have cut it again
    evidence.mend(raw_os(), {begin, begin + old_bytes});
    raw = raw_syscall(SYS_mremap, sys_arg(old_address), static_cast<long>(old_bytes), static_cast<long>(new_bytes),
                      flags, sys_arg(new_address));
  }
  if (raw > 0) {
    disown_mapping(old_address, old_bytes);
    own_mapping(reinterpret_cast<void*>(raw), new_bytes);
  }
  after_mapping();
  return libc_result(raw, MAP_FAILED, reinterpret_cast<void*>(raw));
}

int program_munmap(void* address, std::size_t bytes) {
  // Before somebody else has the place; a call that the kernel will refuse takes nothing away.
  if (bytes != 0 && reinterpret_cast<std::uintptr_t>(address) % kPageBytes == 0) {
    disown_mapping(address, bytes);
  }
  return libc_result(raw_syscall(SYS_munmap, sys_arg(address), static_cast<long>(bytes)), -1, 0);
}

// Address space that was reserved without rights becomes memory: virtual machines and arena allocators commit so.
int program_mprotect(void* address, std::size_t bytes, int protection) {
  if ((protection & PROT_WRITE) != 0) {
    if (bytes < kLargeCommit) {
      expect_unseen(bytes);  // in small pieces it may be much
    }
    on_growth(bytes, false);
  }
  const long raw = raw_syscall(SYS_mprotect, sys_arg(address), static_cast<long>(bytes), protection);
  if (bytes >= kLargeCommit) {
    after_mapping();
  } else {
    watch_until_safe();  // it may be a collector's barrier, opened in a handler
  }
  return libc_result(raw, -1, 0);
}

void* program_sbrk(std::intptr_t increment) {
  static constinit RealFunction<void*(std::intptr_t)> real{"sbrk"};
  if (increment > 0) {
    on_growth(static_cast<std::size_t>(increment), false);
    after_mapping();
  }
  return real.get()(increment);
}

int program_brk(void* end) {
  static constinit RealFunction<int(void*)> real{"brk"};
  const auto wanted = reinterpret_cast<std::uintptr_t>(end);
  const auto present = static_cast<std::uintptr_t>(raw_syscall(SYS_brk, 0));
  if (wanted > present) {
    on_growth(wanted - present, false);
    after_mapping();
  }
  return real.get()(end);
}

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
    return real_sigaction(signal, action, old);
  }
  ours->exchange(action, old);
  return 0;
}

SignalHandler program_signal(int signal, SignalHandler handler) {
  static constinit RealFunction<SignalHandler(int, SignalHandler)> real{"signal"};
  BorrowedSignal* const ours = borrowed_here(signal);
  if (ours == nullptr) {
    return real.get()(signal, handler);
  }
  struct sigaction action = {};
  struct sigaction old = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
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

int program_setrlimit(int resource, const struct rlimit* limits) {
  const long raw = raw_syscall(SYS_prlimit64, 0, resource, sys_arg(limits), 0);
  if (raw == 0 && resource == RLIMIT_STACK) {
    process().growth_budget.store(0, std::memory_order_relaxed);
    on_growth(raised_stack_bytes(), false);
    after_mapping();
  }
  return libc_result(raw, -1, 0);
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
