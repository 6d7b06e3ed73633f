// file_lock.h - an exclusive lock on a file, given up by the kernel should its holder die.
#pragma once

#include <sys/file.h>

#include <cstdint>

#include "core/os.h"

namespace weir {

inline constexpr std::int64_t kFileLockWaitNs = 1'000'000'000;

// Waits for the lock so long at most; held() tells whether it came. The descriptor stays the caller's.
class FileLock {
 public:
  FileLock(Os& os, int fd, std::int64_t wait_ns = kFileLockWaitNs) : os_(os), fd_(fd) {
    constexpr std::int64_t kPollNs = 1'000'000;
    for (std::int64_t waited = 0; waited < wait_ns; waited += kPollNs) {
      held_ = os_.flock(fd_, LOCK_EX | LOCK_NB).ok();
      if (held_) {
        return;
      }
      FutexWord never{0};
      static_cast<void>(os_.futex_wait(never, 0, kPollNs));
    }
  }
  ~FileLock() {
    if (held_) {
      static_cast<void>(os_.flock(fd_, LOCK_UN));
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  [[nodiscard]] bool held() const {
    return held_;
  }

 private:
  Os& os_;
  int fd_;
  bool held_ = false;
};

}  // namespace weir
