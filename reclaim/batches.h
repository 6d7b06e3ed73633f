// batches.h - how much is to leave next, whose it is, and one batch of it.
//
// What the reclaimer (background.h) and a thread that evicts where it grew (in_place.h) do alike.
#pragma once

#include "reclaim/engine.h"

namespace weir {

inline constexpr Pages kBackgroundBatch{256};

// How much must leave: down to low for the watermarks, to the limit for somebody who waits. The
// brake: where even the coldest is in use, only as much as brings usage just below high again.
Pages target(Engine& engine, const Standing& standing, bool direct_only);

// Several members come to the same conclusion at once: what the others have in hand already is
// not taken a second time. Nothing (pages, not none) means that they see to all of it.
Pages share_of(Engine& engine, ContainerId id, Pages wanted);

// Those that are held or idle give back first, and get a moment to do so.
bool defers(Engine& engine, const Standing& standing);

enum class Batch { kOthersDo, kLeft, kNothingLeft };
// Evicts what is our part of `wanted` for the container `id`, one batch at most, books it and wakes
// those who wait for room. `statm` may be null.
Batch evict_our_part(Engine& engine, Pagemap& pagemap, const StatmFile* statm, ContainerId id, Pages wanted);

// Whether it is time to purge, which walks all arenas: now and then, or when it is the last resort.
bool purge_is_due(const Engine& engine, std::uint64_t now_ns);
// The reclaimer thread's, which alone may wait for the allocator's locks.
void purge_if_due(Engine& engine);

// What this process has paged out, for others to know its size by.
void publish_swapped(Engine& engine);

// Wakes those who wait for room.
void announce_room(Engine& engine);

}  // namespace weir
