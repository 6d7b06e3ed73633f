// evictor.h - makes pages leave, and believes only a scan afterwards that they did.
//
// MADV_PAGEOUT returns 0 whatever it did (mm/madvise.c: madvise_pageout). So each stretch is
// scanned before and after; what stayed is counted with its reason and left alone for a while.
//
// Several threads may evict at once, each with a Pagemap of its own: the lock of the ranking is
// held to take a stretch and to book it, not while its pages leave. No allocation; safe in signal
// handlers.
#pragma once

#include "core/layout.h"
#include "core/os.h"
#include "core/units.h"
#include "reclaim/page_out.h"
#include "reclaim/ranking.h"
#include "reclaim/reclaim_lock.h"

namespace weir {

struct EvictOutcome {
  Pages requested;
  Pages done;
  Pages small;  // of these, not of huge pages: each took a flush of its own
  Pages stayed[kStayReasons];
  std::uint64_t refaults = 0;  // found on the way
  DistanceCounts distances{};  // of these
  bool ranking_empty = false;  // nothing left to ask for: build a new one

  [[nodiscard]] Pages stayed_total() const;
};

// The ranking (with its granule map) and the lock it is used under.
struct SharedRanking {
  Ranking ranking;
  ReclaimLock lock;
};

// Takes candidates from the ranking until `wanted` pages have left or it is empty.
// Neighbouring granules go in one call of at most kMostPerCall, so that it may be somewhat more;
// but never more than `most`. Takes the lock.
// A ranking made for another owner counts as empty. Ends before what was used in the last `unused_for` builds.
// `between`: see page_out().
EvictOutcome evict(Os& os, Pagemap& pagemap, SharedRanking& shared, Pages wanted, Pages most = Pages::all(),
                   const OwnerFilter& filter = {}, std::uint32_t unused_for = 0, Interlude* between = nullptr);

}  // namespace weir
