// other_members.h - what a process asks of the other members of its container, and learns about them.
#pragma once

#include "reclaim/engine.h"

namespace weir {

// Asks the reclaimers of the members of `id` and below that hold the most for help at the limit,
// and wakes them; there is to be room for `expected` at once. Gives how many there were.
int call_for_help(Engine& engine, ContainerId id, Pages expected);

// Re-reads the members of `id` and below, and forgets the dead, unless one of them has done that in
// the last 50 ms (or in the last 20 times as long as it takes: members may be many).
void refresh_others(Engine& engine, ContainerId id);

// Some members grow without telling: static programs, and whoever set out before it knew of weir. So while usage is
// beyond a quarter of the nearest mark, whoever looks reads all anew ten times a second; a thread that may not open
// files (`here` false) wakes the reclaimer for it. True: they were read.
bool watch_the_silent(Engine& engine, const Standing& standing, bool here);

// Reads all members anew if their promises might lift usage above `mark`, and nobody has just done it.
// True: they may, and nothing is known better.
bool is_promised_beyond(Engine& engine, ContainerId id, Pages mark);

}  // namespace weir
