// load_gain.h - whether load control pays: the work that gets done with it and without, measured on this very load.
//
// That to hold some lets the others work is a guess. It is right for compilers, and wrong for processes that answer
// each other, or where one alone does not fit: a browser took 21 s with it and 8 without. So both are tried, and what
// gets more done stays. Work is the members' CPU time in user mode: faults, and the page-outs that make room for them,
// are the kernel's. Without it is tried once, and again when the work falls below what it was then; with it is tried
// again after a while, ever longer.
#pragma once

#include "core/registry.h"

namespace weir {

struct Engine;

// Counts the work of the members of our container and of those above it, where they thrash or one of them is held, and
// goes on to the next trial when it is time. Opens /proc files: only where the calling thread may.
void mind_gain(Engine& engine);

// By who is held: where nobody has minded it for a while, all may be waiting for the held ones. Minds it, or wakes the
// reclaimer to. Safe in signal handlers.
void keep_minding_gain(Engine& engine, ContainerId id, std::uint64_t now_ns);

// Members may be held just now, as far as that goes. Lock-free; safe in signal handlers.
inline bool holding_pays(const ContainerRecord& container) {
  return container.load.gain_without.load(std::memory_order_relaxed) == 0;
}

}  // namespace weir
