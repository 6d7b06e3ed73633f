// page_out.h - asks the present pages of a range to leave.
#pragma once

#include <span>

#include "core/layout.h"
#include "core/os.h"
#include "core/registry.h"
#include "core/units.h"
#include "reclaim/interlude.h"
#include "reclaim/page_set.h"
#include "reclaim/pagemap.h"

namespace weir {

// A call ends at a multiple of 2 MiB, so that a huge page leaves in one piece.
inline constexpr Pages kMostPerCall{512};

// What may leave of the container `own` for the sake of `id`, its ancestor: a call may take some more than it is
// asked for, and what is protected is not to leave.
Pages spare_of(const RegistryView& view, ContainerId own, ContainerId id);

inline constexpr int kAdvisePageOut = 21;  // MADV_PAGEOUT, which older headers lack

// Scans the range, tells `seen` of each run of present pages, and calls madvise(MADV_PAGEOUT) on them. What
// really left, a scan afterwards tells. Neighbouring runs go in one call, whatever is paged out or missing
// between them (each call flushes the TLBs of every CPU the process runs on), unless file pages lie there
// too, which are not ours to page out. With something to do in between, small pages leave a few at a time;
// `between` may use the same pagemap. `met_lock`: some of it is locked. `spared`: the pages that are not to leave, of
// each granule from the one that holds the range's begin; none where it ends. 0 or an errno.
int page_out(Os& os, Pagemap& pagemap, AddressRange range, RunVisitor& seen, Interlude* between, bool& met_lock,
             std::span<const PageSet> spared = {});

}  // namespace weir
