// evidence_program.h - the program that `evidence` looks at: one thread that uses a part of its memory.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "core/units.h"

namespace weir {

inline constexpr std::size_t kBytes = 256 * kMiB;
inline constexpr std::size_t kPages = kBytes / kPageBytes;
inline constexpr std::size_t kInGranule = kPagesPerGranule;
inline constexpr std::size_t kGranules = kPages / kInGranule;

struct Pattern {
  const char* name;
  bool writes;
  std::size_t hot_of_granule;  // pages of a hot granule that are hot
  std::size_t one_in;          // granules of which one is hot
};
// The program: one thread that uses its hot pages, and now and then any other one.
class Program {
 public:
  explicit Program(const Pattern& pattern) : pattern_(pattern), touched_(kPages) {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
    memory_ = static_cast<volatile char*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, kFlags, -1, 0));
    madvise(address(0), kBytes, MADV_NOHUGEPAGE);
    madvise(address(0), kBytes, MADV_POPULATE_WRITE);
    std::vector<std::size_t> granules(kGranules);
    std::iota(granules.begin(), granules.end(), std::size_t{0});
    std::shuffle(granules.begin(), granules.end(), std::mt19937(1));
    for (std::size_t i = 0; i < kGranules / pattern.one_in; ++i) {
      for (std::size_t page = 0; page < pattern.hot_of_granule; ++page) {
        hot_.push_back(granules[i] * kInGranule + (page + granules[i]) % kInGranule);
      }
    }
    thread_ = std::thread([this] { run(); });
  }
  ~Program() {
    ends_ = true;
    thread_.join();
    munmap(address(0), kBytes);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] void* address(std::size_t page) const {
    return const_cast<char*>(memory_) + page * kPageBytes;
  }
  [[nodiscard]] AddressRange range() const {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory_);
    return {begin, begin + kBytes};
  }
  void forget() {
    for (std::atomic<char>& page : touched_) {
      page.store(0, std::memory_order_relaxed);
    }
  }
  [[nodiscard]] const std::vector<std::size_t>& hot_pages() const {
    return hot_;
  }
  [[nodiscard]] bool was_touched(std::size_t page) const {
    return touched_[page].load(std::memory_order_relaxed) != 0;
  }
  [[nodiscard]] std::uint64_t steps() const {
    return steps_.load(std::memory_order_relaxed);
  }

 private:
  void run() {
    constexpr std::uint64_t kStrayOneIn = 100'000;
    std::mt19937_64 random(2);
    while (!ends_.load(std::memory_order_relaxed)) {
      const std::uint64_t draw = random();
      const std::size_t page = draw % kStrayOneIn == 0 ? (draw >> 20) % kPages : hot_[(draw >> 20) % hot_.size()];
      touched_[page].store(1, std::memory_order_relaxed);
      volatile char& byte = memory_[page * kPageBytes + draw % kPageBytes];
      if (pattern_.writes) {
        byte = static_cast<char>(draw);
      } else {
        const char seen = byte;
        static_cast<void>(seen);
      }
      steps_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  Pattern pattern_;
  volatile char* memory_ = nullptr;
  std::vector<std::size_t> hot_;
  std::vector<std::atomic<char>> touched_;
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

}  // namespace weir
