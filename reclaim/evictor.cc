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

// The lock is held for a list operation, or for one build of the ranking.
constexpr std::int64_t kLockWaitNs = 50'000'000;
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

// Asks the runs of a stretch to leave. Neighbouring runs go in one call, whatever is paged out or
// missing between them (each call flushes the TLBs of every CPU the process runs on), unless file
// pages lie there too, which are not ours to page out.
class PageOut final : public RunVisitor {
 public:
  PageOut(Os& os, Pagemap& pagemap, AddressRange stretch, RunVisitor* counter, bool singly)
      : os_(os), pagemap_(pagemap), stretch_(stretch), counter_(counter), singly_(singly) {}

  bool visit(const PageRun& run) override {
    if (counter_ != nullptr) {
      counter_->visit(run);
    }
    if (++runs_ == 2 && !singly_) {
      singly_ = pagemap_.may_hold_file_pages(os_, stretch_);
    }
    if (singly_) {
      flush();
    }
    pending_ = {pending_.end == 0 ? run.range.begin : pending_.begin, run.range.end};
    return true;
  }
  // Asks for what was gathered.
  void flush() {
    if (pending_.end != 0) {
      const SysResult result = os_.advise(pending_.begin, pending_.bytes(), MADV_PAGEOUT);
      locked_ = locked_ || result.error() == EINVAL;
    }
    pending_ = {};
  }
  [[nodiscard]] bool met_lock() const {
    return locked_;
  }
  // A locked mapping ends the kernel's walk over a call's range: what lies behind was not asked.
  [[nodiscard]] bool must_go_singly() const {
    return locked_ && !singly_ && runs_ > 1;
  }

 private:
  Os& os_;
  Pagemap& pagemap_;
  AddressRange stretch_;
  RunVisitor* counter_;
  AddressRange pending_;
  std::size_t runs_ = 0;
  bool singly_;
  bool locked_ = false;
};

// Scans and asks on the way, then scans again. 0 or an errno.
int page_out(Os& os, Pagemap& pagemap, Stretch& stretch, bool& met_lock) {
  StretchCounter before(stretch, stretch.before, stretch.huge);
  PageOut together(os, pagemap, stretch.range, &before, false);
  int error = pagemap.scan(os, stretch.range, together);
  together.flush();
  if (error == 0 && together.must_go_singly()) {
    PageOut one_by_one(os, pagemap, stretch.range, nullptr, true);
    error = pagemap.scan(os, stretch.range, one_by_one);
    one_by_one.flush();
  }
  met_lock = together.met_lock();
  pagemap.note_paged_out(stretch.range);
  StretchCounter after(stretch, stretch.after, nullptr);
  return error != 0 ? error : pagemap.scan(os, stretch.range, after);
}

// There must be a candidate.
void take_stretch(Ranking& ranking, Stretch& stretch, Pages most, std::uint32_t unused_for) {
  Candidate candidate;
  ranking.gone().forget_touched();  // before there are more samples than it remembers
  ranking.next(candidate);
  std::size_t granules_left = most.count / kPagesPerGranule;
  stretch.range = candidate.granule.range();
  stretch.expected[0] = candidate.resident;
  stretch.granules = 1;
  while (stretch.range.end % kMostPerCall.bytes() != 0 && --granules_left > 0 &&
         ranking.next_is_unused_for(unused_for) && ranking.next_at(stretch.range.end, candidate)) {
    stretch.expected[stretch.granules++] = candidate.resident;
    stretch.range.end = candidate.granule.range().end;
  }
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
  bool all_gone = true;
  for (std::size_t i = 0; i < stretch.granules; ++i) {
    GranuleRecord* record = ranking.map().find_or_make(os, Granule{(stretch.range.begin >> kGranuleShift) + i});
    all_gone = all_gone && stretch.after[i] == 0;
    if (record == nullptr) {
      continue;
    }
    ranking.note_resident(*record, stretch.before[i]);
    const std::uint8_t left = std::min(stretch.before[i], stretch.after[i]);
    const auto gone = static_cast<std::uint8_t>(stretch.before[i] - left);
    record->resident = stretch.after[i];
    ranking.note_evicted(*record, gone);
    record->note_stuck(left > stretch.before[i] / 2);
    huge = huge || (left > 0 && stretch.huge[i]);
    outcome.done = outcome.done + Pages{gone};
    outcome.small = outcome.small + (stretch.huge[i] ? Pages::none() : Pages{gone});
    outcome.requested = outcome.requested + Pages{stretch.before[i]};
    stayed = stayed + Pages{left};
  }
  if (all_gone) {
    ranking.gone().add(stretch.range);
  }
  ranking.note_stayed(stayed);
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

EvictOutcome evict(Os& os, Pagemap& pagemap, SharedRanking& shared, Pages wanted, Pages most, const OwnerFilter& filter,
                   std::uint32_t unused_for) {
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
      take_stretch(shared.ranking, stretch, most - outcome.done, unused_for);
    }
    bool met_lock = false;
    if (page_out(os, pagemap, stretch, met_lock) != 0) {
      continue;
    }
    const ReclaimGuard guard(os, shared.lock, kLockWaitNs);
    if (guard.held()) {
      book(os, shared.ranking, stretch, met_lock, outcome);
      outcome.refaults += shared.ranking.take_refaults(outcome.distances);
    }
  }
  return outcome;
}

}  // namespace weir
