// page_set.h - which pages of a granule, and how often each of them is passed over before it leaves.
//
// Plain values. Safe in signal handlers.
#pragma once

#include <bit>
#include <cstdint>

#include "core/units.h"

namespace weir {

// Bit n: page n of the granule.
using PageSet = std::uint16_t;
static_assert(kPagesPerGranule == 16);

constexpr std::uint8_t size_of(PageSet set) {
  return static_cast<std::uint8_t>(std::popcount(set));
}

// The pages of `range` inside the granule that holds its begin; the range must not go beyond that granule.
constexpr PageSet pages_inside(AddressRange range) {
  const std::uint64_t first = (range.begin % kGranuleBytes) >> kPageShift;
  const std::uint64_t ones = (std::uint64_t{1} << range.pages().count) - 1;
  return static_cast<PageSet>(ones << first);
}

constexpr PageSet without(PageSet set, PageSet others) {
  return static_cast<PageSet>(set & ~std::uint32_t{others});
}

// Two bits for each page: how many times more it stays when its granule is asked to leave.
class PageCredits {
 public:
  [[nodiscard]] constexpr PageSet any() const {
    return static_cast<PageSet>(low_ | high_);
  }
  // As much as there can be.
  constexpr void grant(PageSet pages) {
    low_ = static_cast<PageSet>(low_ | pages);
    high_ = static_cast<PageSet>(high_ | pages);
  }
  // One of each. They must have one.
  constexpr void take(PageSet pages) {
    const PageSet borrow = without(pages, low_);
    low_ = static_cast<PageSet>(low_ ^ pages);
    high_ = static_cast<PageSet>(high_ ^ borrow);
  }

 private:
  PageSet low_ = 0;
  PageSet high_ = 0;
};

}  // namespace weir
