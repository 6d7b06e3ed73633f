// in_place.h - the reclaimer's look at the watermarks, by the thread that grows.
//
// For where that is cheaper (placement.h). The thread stops for a batch or two, long before the limit:
// counted as in_place, and as pressure, but neither as throttle nor as allocstall. Purging stays with the
// reclaimer, which alone may wait for the allocator's locks.
//
// Safe in signal handlers; the calling thread may open descriptors.
#pragma once

#include "reclaim/account.h"

namespace weir {

struct Engine;

// Brings usage down, by what is our part. False: nothing left, though it should.
bool reclaim_in_place(Engine& engine);

}  // namespace weir
