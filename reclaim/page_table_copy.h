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
  // Of the one scan they were missed by, and the other kind, which would tell where they are, has not looked since:
  // present no longer, and perhaps out; or out still for all we know, and perhaps back.
  std::uint16_t unsure = 0;

  // What a scan of the pages `covered` makes of it that has `seen` these present. What it misses has been paged out if
  // whoever scans says so; what was out, and by now is in neither place, was given up.
  [[nodiscard]] PageMasks after_scan(std::uint32_t seen, std::uint32_t covered, bool paged_out) const;
  // The same of a scan for pages in swap. What it misses of them has come back, most often: a scan for those present
  // will tell. Taken for given up, its return was no refault.
  [[nodiscard]] PageMasks after_swap_scan(std::uint32_t seen, std::uint32_t covered) const;
};

class PageTableCopy {
 public:
  static constexpr std::size_t kMostLeaves = 1024;

  // nullptr: nothing is known of it, or (`make`) there is no memory.
  PageMasks* find(Granule granule) const;
  PageMasks* find_or_make(Os& os, Granule granule);
  // The first granule at or after `from` and before `end` of which a scan for pages present (or out) may find less than
  // is known. False: there is none.
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
