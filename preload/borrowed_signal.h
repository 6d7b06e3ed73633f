// borrowed_signal.h - a signal whose handler is ours, while the program reads and sets its own as if that were in
// force.
//
// Correct for calls through libc's sigaction and signal, which hooks.cc stands in front of. Signal-safe.
#pragma once

#include <signal.h>

#include <atomic>

namespace weir {

using InfoHandler = void (*)(int signal, siginfo_t* info, void* context);

class BorrowedSignal {
 public:
  explicit constexpr BorrowedSignal(int number) : number_(number) {}

  // Sets `handler` with `blocked` as its mask, and keeps what the program had set. Once; false when it cannot be set.
  bool take(InfoHandler handler, const sigset_t& blocked);
  [[nodiscard]] bool is_taken() const {
    return taken_.load(std::memory_order_acquire);
  }
  [[nodiscard]] int number() const {
    return number_;
  }
  // sigaction(2) as the program sees it.
  void exchange(const struct sigaction* action, struct sigaction* old);
  // From our handler: what would have happened had the program's been in force.
  void pass_on(siginfo_t* info, void* context);

 private:
  [[nodiscard]] const struct sigaction& current() const {
    return actions_[number_in_force_.load(std::memory_order_acquire) & 1];
  }
  void set(const struct sigaction& action);
  void do_default(const siginfo_t* info) const;

  int number_;
  // Two copies and a number that says which is in force, so that a handler never sees half of one.
  struct sigaction actions_[2] = {};
  std::atomic<unsigned> number_in_force_{0};
  std::atomic<bool> taken_{false};
};

// Within a handler: the mask of what was interrupted, with `closed` added and `opened` taken out of it; 0 is no signal.
void restore_mask(const void* context, int closed, int opened);

}  // namespace weir
