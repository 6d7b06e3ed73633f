// hooks.cc - the libc functions we stand in front of, each one call long.
//
// Correctness does not rest on them: libc's own calls and raw system calls pass them by. They
// are places to act and hints.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <threads.h>

#include "preload/program_calls.h"

#define WEIR_EXPORT [[gnu::visibility("default")]]

extern "C" {

WEIR_EXPORT void* mmap(void* address, size_t bytes, int protection, int flags, int fd, off_t offset) noexcept {
  return weir::program_mmap(address, bytes, protection, flags, fd, offset);
}
WEIR_EXPORT void* mmap64(void* address, size_t bytes, int protection, int flags, int fd, off64_t offset) noexcept {
  return weir::program_mmap(address, bytes, protection, flags, fd, offset);
}
WEIR_EXPORT void* mremap(void* old_address, size_t old_bytes, size_t new_bytes, int flags, ...) noexcept {
  va_list rest;
  va_start(rest, flags);
  void* new_address = va_arg(rest, void*);  // read by the kernel under MREMAP_FIXED only
  va_end(rest);
  return weir::program_mremap(old_address, old_bytes, new_bytes, flags, new_address);
}
WEIR_EXPORT int munmap(void* address, size_t bytes) noexcept {
  return weir::program_munmap(address, bytes);
}
WEIR_EXPORT int mprotect(void* address, size_t bytes, int protection) noexcept {
  return weir::program_mprotect(address, bytes, protection);
}
WEIR_EXPORT void* sbrk(intptr_t increment) noexcept {
  return weir::program_sbrk(increment);
}
WEIR_EXPORT int brk(void* end) noexcept {
  return weir::program_brk(end);
}
WEIR_EXPORT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                               void* argument) noexcept {
  return weir::program_pthread_create(thread, attributes, start, argument);
}
WEIR_EXPORT pid_t _Fork(void) noexcept {
  return weir::program_bare_fork();
}
WEIR_EXPORT int pthread_setname_np(pthread_t thread, const char* name) noexcept {
  return weir::program_setname(thread, name);
}
WEIR_EXPORT int thrd_create(thrd_t* thread, thrd_start_t start, void* argument) {
  return weir::program_thrd_create(thread, start, argument);
}
WEIR_EXPORT void pthread_exit(void* result) {
  weir::program_pthread_exit(result);
}
WEIR_EXPORT int sigaction(int signal, const struct sigaction* action, struct sigaction* old) noexcept {
  return weir::program_sigaction_call(signal, action, old);
}
WEIR_EXPORT sighandler_t signal(int signal, sighandler_t handler) noexcept {
  return weir::program_signal(signal, handler);
}
WEIR_EXPORT int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  return weir::program_sigmask(how, set, old);
}
WEIR_EXPORT int sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  return weir::program_sigprocmask(how, set, old);
}
WEIR_EXPORT int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) noexcept {
  return weir::program_prctl(option, a, b, c, d);
}
WEIR_EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit* limits) noexcept {
  return weir::program_setrlimit(static_cast<int>(resource), limits);
}
WEIR_EXPORT int setrlimit64(__rlimit_resource_t resource, const struct rlimit64* limits) noexcept {
  return weir::program_setrlimit(static_cast<int>(resource), reinterpret_cast<const struct rlimit*>(limits));
}
WEIR_EXPORT int unshare(int flags) noexcept {
  return weir::program_unshare(flags);
}
WEIR_EXPORT int setns(int fd, int kind) noexcept {
  return weir::program_setns(fd, kind);
}
}
