// ranking.h - what to give back next: every resident granule of the process, coldest first.
//
// By how much of it was used of late where that is known, else by how often it came back, then by age; in a loop
// (recency.h) what was used of late first. Age is counted in scans since the granule last grew, came back or was used.
// Of a granule that is taken, pages that came back soon after they had left stay for some turns, in the way of GCLOCK
// (Smith: "Sequentiality and prefetching in database systems", 1978), each by a counter that a refault sets.
// The shape is that of the kernel's inactive list: built in one pass, taken from in batches, built anew when it is
// empty.
//
// Not thread-safe: callers hold the lock of the SharedRanking. Safe in signal handlers.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/layout.h"
#include "core/os.h"
#include "core/units.h"
#include "core/working_set.h"
#include "reclaim/gone_ranges.h"
#include "reclaim/granule_map.h"
#include "reclaim/owner_map.h"
#include "reclaim/pagemap.h"
#include "reclaim/recency.h"
#include "reclaim/refault_fronts.h"

namespace weir {

// A granule that may leave, and how many pages it had when the ranking was built.
struct Candidate {
  Granule granule;
  std::uint8_t resident = 0;
};

// Whose memory is ranked: that of the owners whose bits are set, or everybody's (no map).
struct OwnerFilter {
  const OwnerMap* owners = nullptr;
  std::uint32_t marks = 0;  // bit n: of the owner that the map calls n

  [[nodiscard]] bool takes(Granule granule) const {
    return owners == nullptr || (marks >> owners->owner_of(granule) & 1U) != 0;
  }
  bool operator==(const OwnerFilter&) const = default;
};

class RankingVisitor;

class Ranking {
 public:
  // Scans the process and ranks what it holds, leaving out `own` (our own tables) and what
  // would not leave lately. `patient` false takes those in as well: the last rounds before OOM.
  // Where `held`, what the process holds in all, is known, what is known to be gone is passed by,
  // as long as that much is found all the same; never in those last rounds. Gives an errno, or 0.
  int build(Os& os, Pagemap& pagemap, AddressRange own, bool patient, const OwnerFilter& filter = {},
            Pages held = Pages::none());
  [[nodiscard]] bool is_for(const OwnerFilter& filter) const {
    return filter_ == filter;
  }
  // The next candidate. False: the ranking is empty, build it anew.
  bool next(Candidate& out);
  // Looks at the next one without taking it.
  bool peek(Candidate& out) const;
  // The next one, if it lies at `address`. Of a huge page, which would have to be split, also when
  // the ranking is used up.
  bool next_at(std::uintptr_t address, Candidate& out);
  // The coldest there is was in use of late: taking it costs more than it buys.
  [[nodiscard]] bool next_is_hot() const;
  // It was not used for that many builds, by evidence; with 0 always.
  [[nodiscard]] bool next_is_unused_for(std::uint32_t builds) const;

  // Pages of the coldest class that were not used for that many builds. Nothing without evidence of use.
  [[nodiscard]] Pages cold(std::uint32_t builds) const;

  GranuleMap& map() {
    return map_;
  }
  GoneRanges& gone() {
    return gone_;
  }
  // Streams of refaults that builds have found, and follow_fronts() has looked after since.
  RefaultFronts& fronts() {
    return fronts_;
  }
  ReadaheadOutcome follow_fronts(Os& os, Pagemap& pagemap, Pages most);
  // Pages seen to have come back since the last call; adds them to `distances`, too.
  std::uint64_t take_refaults(DistanceCounts& distances);
  // How many pages the container has evicted so far, by which the distance of refaults is measured.
  void set_clock(std::uint64_t evicted) {
    clock_.store(static_cast<std::uint32_t>(evicted), std::memory_order_relaxed);
  }
  // Pages of it left just now.
  void note_evicted(GranuleRecord& record, PageSet gone) const;
  // Books what a scan of one granule found: growth, refaults. True when it was in use since.
  bool note_resident(GranuleRecord& record, PageSet present);
  // Which pages of it are to stay when the others are asked to leave. Each of them stays once less the next time.
  PageSet take_spared(GranuleRecord& record) const;
  // Of what was taken, so much would not leave: that does not use the ranking up.
  void note_stayed(Pages pages) {
    used_pages_ -= std::min(used_pages_, pages.count);
  }
  // Books what a pass of UseEvidence found of the mapping that holds it.
  void note_use(GranuleRecord& record, Pages referenced, Pages resident);
  // From now on use decides, not how often something came back.
  void has_evidence(bool evidence) {
    evidence_ = evidence;
  }
  // Of what the last build found: pages that would not leave when last asked.
  [[nodiscard]] Pages unevictable() const {
    return unevictable_;
  }
  // Pages that may still be taken, of one heat class.
  [[nodiscard]] std::uint32_t heat(std::uint32_t heat_class) const {
    return heat_[heat_class % kHeatClasses];
  }
  [[nodiscard]] Pages resident() const {
    return resident_;
  }

 private:
  friend class RankingVisitor;
  static constexpr std::size_t kMostCandidates = 65536;  // 4 GiB a build; the next goes on there
  static constexpr std::size_t kKeys = 256;
  static constexpr std::uint32_t kScanMask = (1U << 24U) - 1;
  static constexpr std::uint32_t kFreshHeat = 127;  // as if all of it had been used since the last pass
  static constexpr std::uint64_t kUsedShare = 16;   // of 127: less is a stray page
  static constexpr std::uint16_t kHotKey = 3 * 32;
  // What was coldest when the ranking was built soon is not: when a quarter was taken, look again.
  static constexpr std::uint64_t kMostUsedShare = 4;
  static constexpr std::uint64_t kMostUsedShareEarly = 16;  // what leaves soon after its use must be known soon
  // By how fine parts of memory who leaves early is sorted. From the first part on it may.
  static constexpr std::uint32_t kEarlyParts = 32;
  static constexpr std::uint64_t kLeastUsed = 256;
  // What comes back before that part of what is resident has left is sorely missed.
  static constexpr std::uint64_t kSoonPart = 2;
  // One build in so many looks everywhere.
  static constexpr std::uint32_t kFullScanEvery = 32;

  struct Entry {
    std::uint64_t granule : 40;
    std::uint64_t resident : 7;
    std::uint64_t huge : 1;
    std::uint64_t key : 16;
  };

  bool make_arrays(Os& os);
  void take(Candidate& out);
  void empty();
  int scan_all(Os& os, Pagemap& pagemap, std::uintptr_t start, RankingVisitor& visitor);
  int scan_but_gone(Os& os, Pagemap& pagemap, std::uintptr_t start, RankingVisitor& visitor);
  void add(Os& os, Granule granule, PageSet present, bool huge, bool patient);
  void sort();
  [[nodiscard]] Pages distance_of(const GranuleRecord& record) const;
  [[nodiscard]] static std::uint16_t last_key(std::uint32_t builds) {
    return static_cast<std::uint16_t>(31 - std::min(builds, 31U));
  }
  [[nodiscard]] std::uint16_t key_of(const GranuleRecord& record, std::uint32_t now) const;

  GranuleMap map_;
  GoneRanges gone_;
  RefaultFronts fronts_;
  std::uint32_t since_full_scan_ = 0;
  OwnerFilter filter_;
  bool evidence_ = false;
  bool patient_ = true;  // what would be missed soon is spared
  Recency recency_;
  bool early_ = false;  // this ranking has what was used of late in front
  Entry* found_ = nullptr;
  Entry* sorted_ = nullptr;
  std::size_t count_ = 0;
  std::size_t taken_ = 0;
  std::uint64_t used_pages_ = 0;
  std::uint32_t scan_number_ = 0;
  std::uint64_t refaults_ = 0;
  DistanceCounts distances_{};
  std::atomic<std::uint32_t> clock_{0};  // wraps: only differences count; set without the lock
  std::uint32_t clock_at_build_ = 0;     // when the ranking was built before
  std::uintptr_t resume_at_ = kWholeAddressSpace.begin;
  Pages resident_;
  Pages found_in_all_;  // by the last build that was not for groups only
  Pages unevictable_;
  std::uint32_t heat_[kHeatClasses] = {};
  std::uint32_t starts_[kKeys + 1] = {};  // not on the stack: it may be a small signal stack
};

}  // namespace weir
