// move_journal.h - swapping several entries of the books so that a mover killed in between has changed nothing.
//
// What is about to be swapped stands in the registry first: a rollback journal. The last entry, the process' own, is
// where the move is done; before it, whoever takes the lock next puts back what was swapped, with what it holds by
// then, and forgets the containers that were made for it. Both can be cut short themselves, and be done again.
//
// All under the registry's file lock, but for settle_cut_move(). Nothing here allocates.
#pragma once

#include "core/move_parts.h"

namespace weir {

// Before the first container is made for it, or the first entry swapped. May be called again as long as it lasts.
void begin_move(const RegistryView& view);

// Swaps all of them or none, however fast their charges change. `spare` is by how much they may have grown together
// since the parts were read.
bool swap_parts(const RegistryView& view, const MoveParts& parts, Pages spare, Pages& moved);

// It is done: the containers made for it stay.
void end_move(const RegistryView& view);

// It is not: everything is as before it began.
void take_back_move(RegistryView& view);

// Ends what a mover that was killed has left: done or taken back, and an event tells of it.
void settle_move(Os& os, RegistryView& view);

// The same for who only looks: takes the lock where there is something to settle. Waits 100 ms for a mover at work.
void settle_cut_move(Os& os, RegistryView& view);

}  // namespace weir
