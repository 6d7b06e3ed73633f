// units.h - pages, bytes and granules as types of their own, so that none is taken for another.
//
// Safe everywhere, signal handlers included: plain values, no state.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace weir {

inline constexpr std::size_t kPageShift = 12;
inline constexpr std::size_t kPageBytes = std::size_t{1} << kPageShift;
inline constexpr std::size_t kGranuleShift = 16;
inline constexpr std::size_t kGranuleBytes = std::size_t{1} << kGranuleShift;
inline constexpr std::size_t kPagesPerGranule = kGranuleBytes / kPageBytes;
inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

// A number of 4 KiB pages. Subtraction saturates at zero: an account never goes negative.
struct Pages {
  std::uint64_t count = 0;

  [[nodiscard]] constexpr std::uint64_t bytes() const {
    return count << kPageShift;
  }
  [[nodiscard]] constexpr bool unlimited() const {
    return count == UINT64_MAX;
  }
  constexpr auto operator<=>(const Pages&) const = default;  // NOLINT(modernize-use-nullptr): a false alarm of 14

  // The pages that hold `bytes`, the last one perhaps partly filled.
  static constexpr Pages holding(std::uint64_t bytes) {
    return Pages{(bytes >> kPageShift) + ((bytes & (kPageBytes - 1)) != 0 ? 1 : 0)};
  }
  static constexpr Pages none() {
    return Pages{0};
  }
  // "No limit": compares greater than any real amount.
  static constexpr Pages all() {
    return Pages{UINT64_MAX};
  }
};

constexpr Pages operator+(Pages a, Pages b) {
  const std::uint64_t sum = a.count + b.count;
  return Pages{sum < a.count ? UINT64_MAX : sum};
}
constexpr Pages operator-(Pages a, Pages b) {
  return Pages{a.count > b.count ? a.count - b.count : 0};
}

// A half-open range of addresses, in bytes.
struct AddressRange {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;

  [[nodiscard]] constexpr std::size_t bytes() const {
    return end - begin;
  }
  [[nodiscard]] constexpr Pages pages() const {
    return Pages{bytes() >> kPageShift};
  }
  constexpr bool operator==(const AddressRange&) const = default;
};

// The number of a 64 KiB granule of address space: the unit of age and of refault history.
struct Granule {
  std::uint64_t number = 0;

  [[nodiscard]] constexpr AddressRange range() const {
    return {number << kGranuleShift, (number + 1) << kGranuleShift};
  }
  constexpr auto operator<=>(const Granule&) const = default;  // NOLINT(modernize-use-nullptr)

  static constexpr Granule holding(std::uintptr_t address) {
    return Granule{address >> kGranuleShift};
  }
};

}  // namespace weir
