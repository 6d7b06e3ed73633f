// left_behind.h - what a process leaves charged where it was when it alone moves on (S3's policy "stay").
//
// It becomes a thread group without threads, in the container that is left: what the kernel says is resident
// in the granules that held anything at that moment. What they hold from then on counts there, too, until they
// have been empty once; all other memory is charged where the process is. The other way, a second charge that
// only shrinks, was refused: nobody could tell which pages to page out when the container that was left is full.
//
// For whoever has an open Pagemap, under the lock of that; safe in signal handlers.
#pragma once

#include "reclaim/engine.h"

namespace weir {

// Serves kRequestLeave in our record, and clears it. What comes of it the books tell: a group of the name
// kLeftBehindName, in our container, or in an earlier one where such a group still is.
void serve_leave_request(Engine& engine, Pagemap& pagemap);

// Once a second at most: granules that have become empty are not the group's any more, and the group
// ends when it holds nothing, or when the process is where it is again. The reclaimer's.
void settle_left_behind(Engine& engine);

}  // namespace weir
