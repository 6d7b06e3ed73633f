// real.cc - dlsym(RTLD_NEXT), where it cannot recurse.
#include "preload/real.h"

#include <dlfcn.h>

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

int real_sigaction(int signal, const struct sigaction* action, struct sigaction* old) {
  return __sigaction(signal, action, old);
}

}  // namespace weir
