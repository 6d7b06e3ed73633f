// thrash.h - a container whose members do little but page, for longer than somebody is willing to watch.
//
// The time between two faults must not fall below what one costs (the L = S criterion of Denning's
// load control): with a second in which paging took half of what may run it begins, and it goes on while
// every second loses a quarter. When that has been so for as long as the container's `thrash` says, and half was
// lost over all, it is told, and where it says so it is taken for out of memory: a program that crawls for hours
// helps nobody. Load control and the brake have had that long to end it.
#pragma once

#include <cstdint>

#include "core/registry.h"

namespace weir {

struct Engine;

// Looks at our container and those above it, once a second at most by whichever member comes first.
// May kill, by the container's policy. Safe in signal handlers; no lock of weir may be held.
void mind_thrash(Engine& engine);

}  // namespace weir
