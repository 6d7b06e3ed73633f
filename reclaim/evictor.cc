// evictor.cc - scan, page out, scan again, book.
#include "reclaim/evictor.h"

#include <algorithm>

#include "core/host_memory.h"

namespace weir {
namespace {

// The lock is held for a list operation, or for one build of the ranking.
constexpr std::int64_t kLockWaitNs = 50'000'000;
constexpr std::size_t kMostGranules = kMostPerCall.count / kPagesPerGranule;

// One stretch of neighbouring granules on its way out.
struct Stretch {
  AddressRange range;
  std::size_t granules = 0;
  PageSet before[kMostGranules] = {};
  PageSet after[kMostGranules] = {};
  PageSet spared[kMostGranules] = {};
  bool huge[kMostGranules] = {};

  [[nodiscard]] Granule granule(std::size_t i) const {
    return {Granule::holding(range.begin).number + i};
  }
  // What was asked to leave, and what of it did not.
  [[nodiscard]] PageSet asked(std::size_t i) const {
    return huge[i] ? before[i] : without(before[i], spared[i]);
  }
  [[nodiscard]] PageSet stayed(std::size_t i) const {
    return asked(i) & after[i];
  }
};

// Finds the pages of each granule of a stretch.
class StretchCounter final : public RunVisitor {
 public:
  StretchCounter(const Stretch& stretch, PageSet* sets, bool* huge) : stretch_(stretch), sets_(sets), huge_(huge) {}

  bool visit(const PageRun& run) override {
    for (std::uintptr_t at = run.range.begin; at < run.range.end;) {
      const std::uintptr_t end = std::min(run.range.end, Granule::holding(at).range().end);
      const std::size_t index = (at - stretch_.range.begin) >> kGranuleShift;
      sets_[index] |= pages_inside({at, end});
      if (huge_ != nullptr && run.huge) {
        huge_[index] = true;
      }
      at = end;
    }
    return true;
  }

 private:
  const Stretch& stretch_;
  PageSet* sets_;
  bool* huge_;
};

// Asks for it, and scans it before and after. 0 or an errno.
int page_out(Os& os, Pagemap& pagemap, Stretch& stretch, Interlude* between, bool& met_lock) {
  StretchCounter before(stretch, stretch.before, stretch.huge);
  const int error = page_out(os, pagemap, stretch.range, before, between, met_lock, {stretch.spared, stretch.granules});
  StretchCounter after(stretch, stretch.after, nullptr);
  return error != 0 ? error : pagemap.scan(os, stretch.range, after);
}

// There must be a candidate.
void take_stretch(Os& os, Ranking& ranking, Stretch& stretch, Pages most, std::uint32_t unused_for) {
  Candidate candidate;
  ranking.gone().forget_touched();  // before there are more samples than it remembers
  ranking.next(candidate);
  std::size_t granules_left = most.count / kPagesPerGranule;
  stretch.range = candidate.granule.range();
  stretch.granules = 1;
  while (stretch.range.end % kMostPerCall.bytes() != 0 && --granules_left > 0 &&
         ranking.next_is_unused_for(unused_for) && ranking.next_at(stretch.range.end, candidate)) {
    ++stretch.granules;
    stretch.range.end = candidate.granule.range().end;
  }
  for (std::size_t i = 0; i < stretch.granules; ++i) {
    GranuleRecord* record = ranking.map().find_or_make(os, stretch.granule(i));
    // What nobody used for long is not what came back soon, whatever it did then.
    stretch.spared[i] = record == nullptr || unused_for > 0 ? PageSet{0} : ranking.take_spared(*record);
    ranking.note_stayed(Pages{size_of(stretch.spared[i])});
  }
}

// What page_out met on its way.
struct Met {
  bool lock = false;
  bool sharers = false;  // most of what stayed is another process' too
};

// Only worth asking where much stayed: the odd page is one that somebody has just used.
bool is_mostly_shared(Os& os, Pagemap& pagemap, const Stretch& stretch) {
  std::uint64_t asked = 0;
  std::uint64_t stayed = 0;
  for (std::size_t i = 0; i < stretch.granules; ++i) {
    asked += size_of(stretch.asked(i));
    stayed += size_of(stretch.stayed(i));
  }
  Pages shared;
  return stayed * 8 >= asked && stayed > 0 && pagemap.count_shared(os, stretch.range, shared) == 0 &&
         shared.count * 2 >= stayed;
}

StayReason reason_of(Os& os, const Met& met, bool huge, bool nothing_left) {
  if (met.lock) {
    return StayReason::kLocked;
  }
  if (huge) {
    return StayReason::kHuge;
  }
  SwapSpace swap;
  if (nothing_left && read_swap_space(os, swap) == 0 && swap.free_bytes < kMiB) {
    return StayReason::kNoSwap;
  }
  return met.sharers ? StayReason::kShared : StayReason::kBusy;
}

void book(Os& os, Ranking& ranking, const Stretch& stretch, const Met& met, EvictOutcome& outcome) {
  const Pages done_before = outcome.done;
  Pages stayed;
  bool huge = false;
  bool all_gone = true;
  for (std::size_t i = 0; i < stretch.granules; ++i) {
    GranuleRecord* record = ranking.map().find_or_make(os, stretch.granule(i));
    all_gone = all_gone && stretch.after[i] == 0;
    if (record == nullptr) {
      continue;
    }
    ranking.note_resident(*record, stretch.before[i]);
    // What was to stay and is gone was given up by the program meanwhile.
    const PageSet gone = without(stretch.asked(i), stretch.after[i]);
    const std::uint8_t asked = size_of(stretch.asked(i));
    const std::uint8_t left = size_of(stretch.stayed(i));
    record->present = stretch.after[i];
    ranking.note_evicted(*record, gone);
    record->note_stuck(left > asked / 2);
    huge = huge || (left > 0 && stretch.huge[i]);
    outcome.done = outcome.done + Pages{size_of(gone)};
    outcome.small = outcome.small + (stretch.huge[i] ? Pages::none() : Pages{size_of(gone)});
    outcome.requested = outcome.requested + Pages{asked};
    stayed = stayed + Pages{left};
  }
  if (all_gone) {
    ranking.gone().add(stretch.range);
  }
  ranking.note_stayed(stayed);
  if (stayed > Pages::none()) {
    const bool nothing_left = outcome.done == done_before;
    auto& counter = outcome.stayed[static_cast<std::size_t>(reason_of(os, met, huge, nothing_left))];
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

EvictOutcome evict(Os& os, Pagemap& pagemap, SharedRanking& shared, Pages wanted, Pages most, const OwnerFilter& filter,
                   std::uint32_t unused_for, Interlude* between) {
  EvictOutcome outcome;
  while (outcome.done < wanted && (most - outcome.done).count >= kPagesPerGranule) {
    Stretch stretch;
    {
      const ReclaimGuard guard(os, shared.lock, kLockWaitNs);
      Candidate any;
      if (!guard.held() || !shared.ranking.is_for(filter) || !shared.ranking.peek(any)) {
        outcome.ranking_empty = guard.held();
        break;
      }
      if (!shared.ranking.next_is_unused_for(unused_for)) {
        break;
      }
      take_stretch(os, shared.ranking, stretch, most - outcome.done, unused_for);
    }
    Met met;
    if (page_out(os, pagemap, stretch, between, met.lock) != 0) {
      continue;
    }
    met.sharers = is_mostly_shared(os, pagemap, stretch);
    const ReclaimGuard guard(os, shared.lock, kLockWaitNs);
    if (guard.held()) {
      book(os, shared.ranking, stretch, met, outcome);
      outcome.refaults += shared.ranking.take_refaults(outcome.distances);
    }
  }
  return outcome;
}

}  // namespace weir
