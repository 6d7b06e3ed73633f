// look_around.h - what the thread that grows knows of where it stands, how it reads that anew, how it helps.
//
// Safe in signal handlers. The caller has marked itself as inside weir.
#pragma once

#include "reclaim/charge.h"

namespace weir {

bool over_limit(const Standing& standing);
// Whether the nearest limit refuses what does not fit, in place of killing for it.
bool meets_enomem(const Engine& engine, const Standing& standing);

// Wakes the reclaimer, and sleeps until memory was given back or the time is up.
void wait_for_room(Engine& engine, std::uint32_t seen, std::int64_t timeout_ns);

// Brings our own charge up to date in whatever way this thread may.
void refresh_here(Engine& engine, const ChargeRequest& request);

// A fork child forks: what is its alone looks shared from then on.
void note_fork_of_child(Engine& engine);

// Where we stand with what is about to be touched, and with what may have been since the last
// reading.
Standing standing_now(const Engine& engine, const ChargeRequest& request);
// The same by the books alone, for who has just had all of them refreshed.
Standing standing_in_books(const Engine& engine, const ChargeRequest& request);
// The same, read anew by ourselves when nobody else does, or when the bound meets the limit.
Standing look_around(Engine& engine, const ChargeRequest& request);

// Evicts up to `wanted` pages in this thread, which may open descriptors: ours, or a group's. For the sake of `id`,
// whose child may have a minimum that is left alone.
Pages evict_here(Engine& engine, ContainerId id, Pages wanted, bool patient, GroupNumber group);

}  // namespace weir
