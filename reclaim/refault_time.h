// refault_time.h - how long a process stood still because pages it needed had been paged out.
//
// The kernel does not tell how long a fault took, so it is an estimate: the pages found back, as far as
// the process had major faults for them, times what a read from this host's swap costs, and the rest
// times what it costs to find a page in the swap cache (readahead brought it, or it never left).
// Both are measured: once a second, while there are refaults, the reclaimer pages some pages of its
// own out and times their return. Until then guesses stand, taken from zram.
//
// Whatever comes out, the sum grows no faster than time times threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/layout.h"
#include "core/os.h"

namespace weir {

struct Engine;

class RefaultTime {
 public:
  static constexpr std::uint64_t kReadGuessNs = 5000;
  static constexpr std::uint64_t kCachedGuessNs = 2000;

  // What a page costs that is read from swap, and one that is in the swap cache.
  [[nodiscard]] std::uint64_t read_ns() const {
    return read_ns_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t cached_ns() const {
    return cached_ns_.load(std::memory_order_relaxed);
  }
  // Measures both, where that is due. The reclaimer thread's: nobody else would want to wait.
  void measure(Os& os);

  // Books refaults found just now: refault_ns of our container; `some`, and `full` where the process
  // is alone with one thread, of it and its ancestors. Safe in signal handlers; the calling thread
  // may open descriptors.
  void book(Engine& engine, std::uint64_t refaults);

 private:
  [[nodiscard]] bool make_probe(Os& os);
  [[nodiscard]] std::uint64_t take_majors(Os& os, std::uint64_t most);

  std::atomic<std::uint64_t> read_ns_{kReadGuessNs};
  std::atomic<std::uint64_t> cached_ns_{kCachedGuessNs};
  std::atomic<std::uint64_t> booked_{0};        // refaults altogether
  std::atomic<std::uint64_t> majors_taken_{0};  // major faults of the process that refaults stand for
  PressureRecord budget_{};                     // the time there was for them, in one of the threads
  // The reclaimer's.
  std::uint64_t measured_ns_ = 0;
  std::uint64_t booked_at_measure_ = 0;
  volatile std::uint64_t* probe_ = nullptr;
  bool probe_is_out_ = false;
};

}  // namespace weir
