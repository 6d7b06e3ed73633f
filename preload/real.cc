// real.cc - dlsym(RTLD_NEXT), where it cannot recurse.
#include "preload/real.h"

#include <dlfcn.h>
#include <sys/syscall.h>

#include <cstdint>
#include <cstring>

#include "core/raw_syscall.h"

extern "C" int __sigaction(int signal, const struct sigaction* action, struct sigaction* old);

namespace weir {

void* next_symbol(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  // dlsym finds "next" by its caller's return address: it must not become a tail call.
  __asm__ volatile("" : "+r"(found));
  return found;
}

int real_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  static constinit RealFunction<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)> real{"pthread_create"};
  return real.get()(thread, attributes, start, argument);
}

// Not by dlsym: masks are changed in signal handlers.
long real_sigmask(int how, const sigset_t* set, sigset_t* old) {
  constexpr std::uint64_t kLibcsOwn = std::uint64_t{3} << 31;  // 32 cancels threads, 33 is setuid's
  std::uint64_t mask = 0;
  if (set != nullptr) {
    std::memcpy(&mask, set, sizeof(mask));
    mask &= ~kLibcsOwn;
  }
  return raw_syscall(SYS_rt_sigprocmask, how, set != nullptr ? sys_arg(&mask) : 0, sys_arg(old), sizeof(mask));
}

int real_sigaction(int signal, const struct sigaction* action, struct sigaction* old) {
  return __sigaction(signal, action, old);
}

}  // namespace weir
