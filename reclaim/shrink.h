// shrink.h - giving back a wanted amount now, on somebody's request (S4: shrink_usage on demand).
//
// One bounded pass: free allocator pages first, then eviction, patient and then not, until the
// amount is reached or nothing more leaves. Progress and the reasons of what stayed are written
// into the member's record as they come, for who asked to read.
#pragma once

#include "reclaim/engine.h"

namespace weir {

// Serves the request in our record (kRequestReclaim), or in that of one of our thread groups, and
// clears it. `pagemap` is open and usable by the calling thread. `may_purge`: the thread holds no
// allocator lock.
void serve_reclaim_request(Engine& engine, Pagemap& pagemap, bool may_purge, GroupNumber group = kNoGroup);

// The same for every group of this process that was asked. The reclaimer thread's.
void serve_group_requests(Engine& engine);

}  // namespace weir
