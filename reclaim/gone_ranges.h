// gone_ranges.h - where everything has been paged out, so that a scan for what is present may pass it by.
//
// A scan looks at each page that is paged out as at one that is present. Where a program holds much
// more than its limit, and most of it is at rest, that is most of a scan: in `dd | tail` at 16 MiB
// a hundred of them, over 374 MiB, were a tenth of all CPU time. So stretches that left whole are
// remembered, and forgotten where a fault is sampled, or a scan finds something again. What comes back
// unseen is found by the full scan that is due now and then, and whenever less was found than the
// process holds.
//
// touched() is for every thread and safe in signal handlers; the rest needs the ranking's lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/units.h"

namespace weir {

class GoneRanges {
 public:
  static constexpr std::size_t kMost = 64;
  // Smaller ones are remembered only where they make another one longer.
  static constexpr std::size_t kLeastBytes = std::size_t{1} << 20;
  // Of a sample so much on both sides was touched, too: faults between two samples go unseen.
  static constexpr std::size_t kReach = std::size_t{1} << 20;

  // Nothing in there is present any more.
  void add(AddressRange range);
  // Something in there may be. Gives how many bytes of it were known to be gone.
  std::size_t cut(AddressRange range);
  // A fault at `address`.
  void touched(std::uintptr_t address) {
    const std::uint32_t place = next_sample_.fetch_add(1, std::memory_order_relaxed);
    samples_[place % kSamples].store(address, std::memory_order_relaxed);
  }
  // Cuts what was touched since the last call.
  void forget_touched();

  // In order of address; none touches another.
  [[nodiscard]] const AddressRange* begin() const {
    return ranges_.data();
  }
  [[nodiscard]] const AddressRange* end() const {
    return ranges_.data() + count_;
  }

 private:
  static constexpr std::uint32_t kSamples = 128;

  void insert(std::size_t place, AddressRange range);
  void erase(std::size_t place);
  [[nodiscard]] std::size_t smallest() const;

  std::array<AddressRange, kMost> ranges_{};
  std::size_t count_ = 0;
  std::atomic<std::uint32_t> next_sample_{0};
  std::uint32_t seen_samples_ = 0;
  std::atomic<std::uintptr_t> samples_[kSamples] = {};
};

}  // namespace weir
