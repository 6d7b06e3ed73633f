// lost_registry.h - a registry whose file somebody cut short while it was mapped, replaced where it lies.
//
// The next touch of such a mapping is a SIGBUS. Nothing can be known before: a look at the file's size is stale when it
// returns, and tmpfs gives no seal that a file could be made with.
#pragma once

#include <cstdint>

#include "core/layout.h"

namespace weir {

// For a SIGBUS handler, with the address it was told. False: that was not in the registry. True: the registry is now
// private memory that knows of nobody and has no limit, so that whoever reads or writes it on goes on; the touch may
// be taken again. Any number of threads at once.
bool replace_lost(Registry& registry, std::uintptr_t fault);

}  // namespace weir
