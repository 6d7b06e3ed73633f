// jemalloc.h - what we ask of the allocator inside libweir.so, and what it tells us.
#pragma once

#include "reclaim/thread_groups.h"

namespace weir {

// An arena whose memory belongs to the group. False: it cannot be had. The caller is inside weir
// and holds no allocator lock; so for use_arena().
bool make_group_arena(GroupNumber group, unsigned& arena);
// The calling thread allocates from `arena` from now on; tells from which it did `before`.
bool use_arena(unsigned arena, unsigned& before);

// Gives every free page of every arena back to the kernel. Takes allocator locks.
void purge_allocator();
// The same for those that have been free for longer than jemalloc keeps them, as it does itself while it is called.
void decay_allocator();
// Free blocks of 8 MiB and more stay until they are purged, or go as they are freed; those there
// are go then. False: there has been none so far. Not with allocator locks held.
bool keep_large_blocks(bool keep);

// Bytes the calling thread has freed so far; UINT64_MAX as long as that is not known, which it is from the first call
// on that may ask: not with allocator locks held.
std::uint64_t freed_by_thread(bool may_ask);

}  // namespace weir
