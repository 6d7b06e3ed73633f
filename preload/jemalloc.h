// jemalloc.h - what we ask of the allocator inside libweir.so, and what it tells us.
#pragma once

namespace weir {

// Gives every free page of every arena back to the kernel. Takes allocator locks.
void purge_allocator();

}  // namespace weir
