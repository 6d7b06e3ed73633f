// fault_meter.h - being called in the faulting thread every so many page faults.
//
// The perf page-fault counter with sigtrap (Linux 5.13; from 6.1 on a blocked SIGTRAP waits
// instead of killing, so older kernels get the fallback). One event for each thread there is;
// threads created later inherit theirs (inherit_thread). A second, finer set is switched on
// near the limit, because PERF_EVENT_IOC_PERIOD has no effect on inherited software events.
// Faults taken in the kernel are not counted: the growth watch sees to those.
//
// Used by the reclaimer thread only, but for is_fine(): the descriptors live in its own table.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/os.h"
#include "core/units.h"
#include "reclaim/account.h"

namespace weir {

class FaultMeter {
 public:
  static constexpr std::uint32_t kCoarsePeriod = 128;
  static constexpr std::uint32_t kFinePeriod = 32;
  // perf_event_attr.sig_data: how the signal handler knows its own from others', and how many faults it is for.
  static constexpr std::uint64_t kCookie = 0x7765'6972;
  static constexpr std::uint64_t kFineCookie = kCookie + 1;

  // How many faults a sample with that sig_data stands for; 0: it is not ours.
  static constexpr std::uint32_t period_of(std::uint64_t sig_data) {
    return sig_data == kFineCookie ? kFinePeriod : sig_data == kCookie ? kCoarsePeriod : 0;
  }

  // Near a mark the finer one is wanted.
  static bool is_near(const Standing& standing) {
    return standing.above_high > Pages::none() ||
           (!standing.marks.limit.unlimited() && standing.room.count < kCoarsePeriod * 8);
  }

  // Opens events for every thread of the process but the caller. 0 or the first errno; on
  // failure none stays open.
  int open(Os& os);
  void close(Os& os);
  // In a child after fork: the descriptors were those of another process' reclaimer.
  void forget();
  // Fine only where every thread's can be: the coarse samples are not listened to meanwhile.
  void set_fine(Os& os, bool fine);
  [[nodiscard]] bool is_open() const {
    return count_ > 0;
  }
  // Whether the fine samples tell of every fault. From any thread, and in signal handlers.
  [[nodiscard]] bool is_fine() const {
    return fine_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kMostThreads = 256;  // present when it opens; later ones inherit

  int open_thread(Os& os, int tid);

  int coarse_[kMostThreads] = {};
  int fine_fds_[kMostThreads] = {};
  std::size_t count_ = 0;
  std::atomic<bool> fine_{false};
  bool may_be_fine_ = true;
};

}  // namespace weir
