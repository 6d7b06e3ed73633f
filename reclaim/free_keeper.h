// free_keeper.h - large blocks that are freed stay with the allocator for as long as they are taken again.
//
// jemalloc gives a block of 8 MiB or more back to the kernel the moment it is freed, however much
// room there is: a program that frees and takes such blocks pays a fault and a cleared page for
// every 4 KiB of them each time (measured: 27 ms for 16 MiB, 0.6 ms where they stay). What decides
// here is room and use, not a clock: free blocks stay while there is a reclaimer, which purges them
// first of all above high, and which gives them back once none was taken for kQuietNs. Without a
// limit nothing would tell when they are too many: then jemalloc's own way stays.
//
// take() is for every thread, lock-free, safe with allocator locks held; the rest is the reclaimer's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/units.h"

namespace weir {

struct Engine;

class FreeKeeper {
 public:
  static constexpr std::size_t kLeastBytes = std::size_t{8} << 20;  // jemalloc's opt.oversize_threshold
  static constexpr std::uint64_t kQuietNs = 10'000'000'000;
  // So many have to be taken before a reclaimer is started for it.
  static constexpr std::uint32_t kWorthIt = 4;

  // The allocator hands out a large block.
  void take(Engine& engine);
  [[nodiscard]] bool is_worth_a_reclaimer() const {
    return taken_.load(std::memory_order_relaxed) >= kWorthIt;
  }

  // Keeps or gives back. How long the reclaimer may sleep before the next turn, ns; negative: until
  // it is woken. `bounded`: there is a limit.
  std::int64_t turn(Engine& engine, bool bounded);
  // The reclaimer ends: from now on nobody would give them back.
  void stop(Engine& engine);
  // In a fork child, which has no reclaimer. True: the allocator still keeps, and is to be told.
  bool forget();

 private:
  void keep(Engine& engine, bool wanted);
  // False: to be tried again soon.
  bool begin_to_keep(Engine& engine);

  std::atomic<std::uint32_t> taken_{0};
  std::atomic<bool> dozes_{true};  // nothing is kept: the next one wakes the reclaimer
  bool keeps_ = false;
  int refusals_ = 0;  // by the allocator, one after the other
  std::uint32_t seen_ = 0;
  std::uint64_t seen_ns_ = 0;
};

}  // namespace weir
