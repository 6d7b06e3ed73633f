// reclaim_lock.h - the one lock of reclaim inside a process.
//
// Taken by the reclaimer thread, and by a thread that reclaims where it faulted. The first has
// every signal blocked; the second marks itself (preload/scope.h) so that a signal that
// lands on it while it holds the lock leaves at once. So no thread ever waits for itself.
// Safe in signal handlers: a futex word, nothing else (Drepper, "Futexes are tricky", mutex2).
#pragma once

#include "core/os.h"

namespace weir {

class ReclaimLock {
 public:
  constexpr ReclaimLock() = default;
  ReclaimLock(const ReclaimLock&) = delete;
  ReclaimLock& operator=(const ReclaimLock&) = delete;

  // False when it could not be had within `timeout_ns`.
  bool lock(Os& os, std::int64_t timeout_ns) {
    std::uint32_t seen = kFree;
    if (word_.compare_exchange_strong(seen, kHeld, std::memory_order_acquire)) {
      return true;
    }
    const std::uint64_t until = os.now_ns() + static_cast<std::uint64_t>(timeout_ns);
    while (word_.exchange(kContended, std::memory_order_acquire) != kFree) {
      const std::uint64_t now = os.now_ns();
      if (now >= until) {
        return false;
      }
      static_cast<void>(os.futex_wait(word_, kContended, static_cast<std::int64_t>(until - now)));
    }
    return true;
  }
  void unlock(Os& os) {
    if (word_.exchange(kFree, std::memory_order_release) == kContended) {
      static_cast<void>(os.futex_wake(word_, 1));
    }
  }
  // After fork the holder may not exist in the child.
  void reset() {
    word_.store(kFree, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kContended = 2;
  FutexWord word_{kFree};
};

// Holds the lock for a scope, if it could be had in time.
class ReclaimGuard {
 public:
  ReclaimGuard(Os& os, ReclaimLock& lock, std::int64_t timeout_ns)
      : os_(os), lock_(lock), held_(lock.lock(os, timeout_ns)) {}
  ~ReclaimGuard() {
    if (held_) {
      lock_.unlock(os_);
    }
  }
  ReclaimGuard(const ReclaimGuard&) = delete;
  ReclaimGuard& operator=(const ReclaimGuard&) = delete;
  [[nodiscard]] bool held() const {
    return held_;
  }

 private:
  Os& os_;
  ReclaimLock& lock_;
  bool held_;
};

}  // namespace weir
