// program_calls.h - what the hooks do: the program's own calls, seen on their way to libc.
#pragma once

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <threads.h>

#include <cstddef>
#include <cstdint>

namespace weir {

// libc answers with -1 and errno.
template <typename Result>
Result libc_result(long raw, Result failed, Result succeeded) {
  if (raw < 0 && raw > -4096) {
    errno = static_cast<int>(-raw);
    return failed;
  }
  return succeeded;
}

using SignalHandler = void (*)(int);

// Memory: program_calls.cc. Threads, signals, namespaces: program_threads.cc.
void* program_mmap(void* address, std::size_t bytes, int protection, int flags, int fd, off_t offset);
// Declared with variable arguments by libc; the fifth is read only under MREMAP_FIXED.
void* program_mremap(void* old_address, std::size_t old_bytes, std::size_t new_bytes, int flags, void* new_address);
int program_munmap(void* address, std::size_t bytes);
int program_mprotect(void* address, std::size_t bytes, int protection);
void* program_sbrk(std::intptr_t increment);
int program_brk(void* end);
int program_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument);
// What is resident at a fork cannot leave while the child shares it: what is too much leaves before, in a bounded time.
void make_room_for_fork();
pid_t program_bare_fork();
int program_setname(pthread_t thread, const char* name);
int program_thrd_create(thrd_t* thread, thrd_start_t start, void* argument);
[[noreturn]] void program_pthread_exit(void* result);
int program_sigaction_call(int signal, const struct sigaction* action, struct sigaction* old);
SignalHandler program_signal(int signal, SignalHandler handler);
int program_sigmask(int how, const sigset_t* set, sigset_t* old);
int program_sigprocmask(int how, const sigset_t* set, sigset_t* old);
// libc declares it with variable arguments; on x86-64 five plain ones are the same call.
int program_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
// A raised stack limit is memory that may grow without any further call.
int program_setrlimit(int resource, const struct rlimit* limits);
int program_unshare(int flags);
int program_setns(int fd, int kind);

}  // namespace weir
