// page_table_copy.h - which pages of each granule were present, and which paged out, when last told of.
//
// Leaves of 1 GiB of address space, made where something is; in order of address. Not thread-safe; safe in signal
// handlers.
#pragma once

#include "core/os.h"
#include "core/units.h"

namespace weir {

struct PageMasks {
  std::uint16_t present = 0;
  std::uint16_t out = 0;
};

class PageTableCopy {
 public:
  static constexpr std::size_t kMostLeaves = 1024;

  // nullptr: nothing is known of it, or (`make`) there is no memory.
  PageMasks* find(Granule granule) const;
  PageMasks* find_or_make(Os& os, Granule granule);
  // The first granule at or after `from` and before `end` that has pages present (or out). False: there is none.
  bool next(Granule from, Granule end, bool out, Granule& found) const;
  void forget(Os& os);

 private:
  static constexpr unsigned kLeafBits = 14;  // 16384 granules
  static constexpr std::size_t kLeafGranules = std::size_t{1} << kLeafBits;
  static constexpr std::size_t kLeafBytes = sizeof(PageMasks) << kLeafBits;
  struct Leaf {
    std::uint64_t root = 0;
    PageMasks* masks = nullptr;
  };

  // The place of that leaf, or where it would be.
  [[nodiscard]] std::size_t place_of(std::uint64_t root) const;

  Leaf* leaves_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace weir
