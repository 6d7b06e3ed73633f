// granule_map.h - what is remembered of each 64 KiB of address space: when it was last known to
// grow or come back, how often it came back, how much of it is paged out by us.
//
// A two-level table: 1 GiB of address space a leaf, made when first needed, so that 100 GiB
// reserved and 1 GiB resident costs as 1 GiB. Leaves are never given back: they are small
// (384 KiB, touched in part) and a program that used an address uses it again.
//
// Not thread-safe: callers hold the lock of the SharedRanking. Safe in signal handlers.
#pragma once

#include <cstdint>

#include "core/os.h"
#include "core/units.h"
#include "reclaim/page_set.h"

namespace weir {

struct GranuleRecord {
  std::uint32_t born : 24 = 0;       // scan at which it last was seen to grow, to come back, or in use
  std::uint32_t heat : 8 = 0;        // how much of it was used of late, where there is evidence
  PageSet present = 0;               // at the last scan
  PageSet gone = 0;                  // paged out by us and not seen back since
  PageSet last_gone = 0;             // of these, what left when some of it last did
  PageCredits credits;               // of pages that came back soon after they had left
  std::uint8_t refaults : 4 = 0;     // times pages came back, saturating
  std::uint8_t stuck_times : 4 = 0;  // times in a row that most of it would not leave
  std::uint8_t stuck_rounds = 0;     // builds to leave it alone for
  std::uint32_t left_at = 0;         // pages the container had evicted when some of it last left
  std::uint32_t used_at = 0;         // when it was last known to be used (recency.h)

  // Would leave, or would not: then it rests, twice as long each time.
  void note_stuck(bool stuck) {
    constexpr int kRounds = 8;
    constexpr int kMostTimes = 4;
    stuck_rounds = static_cast<std::uint8_t>(stuck ? kRounds << stuck_times : 0);
    stuck_times = stuck ? static_cast<std::uint8_t>(stuck_times < kMostTimes ? stuck_times + 1 : kMostTimes) & 0xFU : 0;
  }
  [[nodiscard]] bool is_new() const {
    return born == 0;
  }
};
static_assert(sizeof(GranuleRecord) == 24);

class GranuleMap {
 public:
  // The record, made if need be; nullptr when there is no memory for its leaf.
  GranuleRecord* find_or_make(Os& os, Granule granule);
  // The record if there is one. Else `next` is moved to where the next one may be.
  [[nodiscard]] GranuleRecord* find(Granule granule, std::uintptr_t& next) const;

 private:
  static constexpr int kLeafBits = 14;  // 16384 granules: 1 GiB
  static constexpr int kRootBits = 47 - static_cast<int>(kGranuleShift) - kLeafBits;

  GranuleRecord** leaves_ = nullptr;  // 1 MiB of address space, of which a page or two is touched
};

}  // namespace weir
