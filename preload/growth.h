// growth.h - how a program tells us that it grows: by its allocator and its mappings; by its faults see samples.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reclaim/account.h"

namespace weir {

// The allocator or mmap is about to take `bytes` from the kernel. False: refuse (enomem).
// Safe with allocator locks held: never allocates; it then does not wait for who may need them.
bool on_growth(std::size_t bytes, bool may_refuse, bool locks_held = false);
// So much may be touched that passes no hook, or in pieces too small to be looked at one by one: thread stacks, small
// commits. What is near a mark with it wants a reclaimer, at the next safe point.
void expect_unseen(std::size_t bytes);
// The marks may have come near by themselves (`weir set`): a reclaimer at the next safe point, until then a timer.
// Safe in signal handlers.
void arm_if_near();
// Where we stood when we looked: how soon to look again, and whether a reclaimer is worth it. Safe in signal handlers.
void after_look(const Standing& standing);
// Waits, for 100 ms at most, while another thread starts the reclaimer: what grows meanwhile would grow unseen.
void await_meter();
// The allocator is about to touch so many units of 2 MiB that may come as huge pages.
void on_huge_units(std::size_t units);
// The calling thread holds no allocator lock: what needs malloc may be done now.
void on_safe_point();

// In the constructor. A program whose static memory alone can reach a mark may never call us again:
// the one case for a thread before main.
void arm_for_static_memory();

}  // namespace weir
