// fork_child.h - what a fork child has not of its parent's engine: its reclaimer, its other threads, what they were at.
#pragma once

namespace weir {

struct Engine;

// For the only thread of a process that fork has just made, before it attaches. The registry is not touched. True
// where the parent kept large free blocks: the allocator is to be told that nobody does here.
bool forget_parents_work(Engine& engine);

}  // namespace weir
