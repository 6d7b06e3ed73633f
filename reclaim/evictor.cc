// evictor.cc - scan, page out, scan again, book.
#include "reclaim/evictor.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "core/proc.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

namespace weir {
namespace {

constexpr std::size_t kMostGranules = kMostPerCall.count / kPagesPerGranule;

// One stretch of neighbouring granules on its way out.
struct Stretch {
  AddressRange range;
  std::size_t granules = 0;
  std::uint8_t before[kMostGranules] = {};
  std::uint8_t after[kMostGranules] = {};
  bool huge[kMostGranules] = {};
  std::uint8_t expected[kMostGranules] = {};  // when the ranking was built
};

// Counts the pages of each granule of a stretch.
class StretchCounter final : public RunVisitor {
 public:
  StretchCounter(const Stretch& stretch, std::uint8_t* counts, bool* huge)
      : stretch_(stretch), counts_(counts), huge_(huge) {}

  bool visit(const PageRun& run) override {
    for (std::uintptr_t at = run.range.begin; at < run.range.end;) {
      const std::uintptr_t end = std::min(run.range.end, Granule::holding(at).range().end);
      const std::size_t index = (at - stretch_.range.begin) >> kGranuleShift;
      counts_[index] = static_cast<std::uint8_t>(counts_[index] + ((end - at) >> kPageShift));
      if (huge_ != nullptr && run.huge) {
        huge_[index] = true;
      }
      at = end;
    }
    return true;
  }

 private:
  const Stretch& stretch_;
  std::uint8_t* counts_;
  bool* huge_;
};

// Asks each run to leave; runs and not granules, so that file pages between them keep their place.
class PageOut final : public RunVisitor {
 public:
  explicit PageOut(Os& os) : os_(os) {}

  bool visit(const PageRun& run) override {
    const SysResult result = os_.advise(run.range.begin, run.range.bytes(), MADV_PAGEOUT);
    locked_ = locked_ || result.error() == EINVAL;
    return true;
  }
  [[nodiscard]] bool met_lock() const {
    return locked_;
  }

 private:
  Os& os_;
  bool locked_ = false;
};

bool take_stretch(Ranking& ranking, Stretch& stretch) {
  Candidate candidate;
  if (!ranking.next(candidate)) {
    return false;
  }
  stretch.range = candidate.granule.range();
  stretch.expected[0] = candidate.resident;
  stretch.granules = 1;
  while (stretch.granules < kMostGranules && ranking.peek(candidate) &&
         candidate.granule.range().begin == stretch.range.end) {
    stretch.expected[stretch.granules++] = candidate.resident;
    stretch.range.end = candidate.granule.range().end;
    ranking.next(candidate);
  }
  return true;
}

StayReason reason_of(Os& os, bool met_lock, bool huge, bool nothing_left) {
  if (met_lock) {
    return StayReason::kLocked;
  }
  if (huge) {
    return StayReason::kHuge;
  }
  SwapSpace swap;
  if (nothing_left && read_swap_space(os, swap) == 0 && swap.free_bytes < kMiB) {
    return StayReason::kNoSwap;
  }
  return StayReason::kShared;
}

void book(Os& os, Ranking& ranking, const Stretch& stretch, bool met_lock, EvictOutcome& outcome) {
  const Pages done_before = outcome.done;
  Pages stayed;
  bool huge = false;
  for (std::size_t i = 0; i < stretch.granules; ++i) {
    GranuleRecord* record = ranking.map().find_or_make(os, Granule{(stretch.range.begin >> kGranuleShift) + i});
    if (record == nullptr) {
      continue;
    }
    ranking.note_resident(*record, stretch.before[i]);
    const std::uint8_t left = std::min(stretch.before[i], stretch.after[i]);
    const auto gone = static_cast<std::uint8_t>(stretch.before[i] - left);
    record->resident = stretch.after[i];
    record->evicted = static_cast<std::uint8_t>(std::min<int>(record->evicted + gone, kPagesPerGranule));
    record->stuck_rounds = left > stretch.before[i] / 2 ? kStuckRounds : 0;
    huge = huge || (left > 0 && stretch.huge[i]);
    outcome.done = outcome.done + Pages{gone};
    outcome.requested = outcome.requested + Pages{stretch.before[i]};
    stayed = stayed + Pages{left};
  }
  if (stayed > Pages::none()) {
    const bool nothing_left = outcome.done == done_before;
    auto& counter = outcome.stayed[static_cast<std::size_t>(reason_of(os, met_lock, huge, nothing_left))];
    counter = counter + stayed;
  }
}

}  // namespace

Pages EvictOutcome::stayed_total() const {
  Pages total;
  for (const Pages& pages : stayed) {
    total = total + pages;
  }
  return total;
}

EvictOutcome evict(Os& os, Pagemap& pagemap, Ranking& ranking, Pages wanted) {
  EvictOutcome outcome;
  while (outcome.done < wanted) {
    Stretch stretch;
    if (!take_stretch(ranking, stretch)) {
      outcome.ranking_empty = true;
      break;
    }
    StretchCounter before(stretch, stretch.before, stretch.huge);
    PageOut page_out(os);
    StretchCounter after(stretch, stretch.after, nullptr);
    if (pagemap.scan(os, stretch.range, before) != 0 || pagemap.scan(os, stretch.range, page_out) != 0 ||
        pagemap.scan(os, stretch.range, after) != 0) {
      continue;
    }
    book(os, ranking, stretch, page_out.met_lock(), outcome);
  }
  outcome.refaults = ranking.take_refaults();
  return outcome;
}

}  // namespace weir
