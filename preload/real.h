// real.h - the functions behind those we export: libc's own, found once and late.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace weir {

// The next definition after ours of `name`; never null for names libc has. Not signal-safe.
void* next_symbol(const char* name);

// Looks `name` up at the first call, and keeps it.
template <typename Function>
class RealFunction {
 public:
  explicit constexpr RealFunction(const char* name) : name_(name) {}
  Function* get() {
    if (function_ == nullptr) {
      function_ = reinterpret_cast<Function*>(next_symbol(name_));
    }
    return function_;
  }

 private:
  const char* name_;
  Function* function_ = nullptr;
};

int real_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument);
// 0 or minus an errno. libc's own two signals stay open, as with its pthread_sigmask.
long real_sigmask(int how, const sigset_t* set, sigset_t* old);
int real_sigaction(int signal, const struct sigaction* action, struct sigaction* old);

}  // namespace weir
