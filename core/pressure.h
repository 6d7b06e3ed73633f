// pressure.h - how much of the time a container's work stood still for memory (PSI).
//
// As the kernel's pressure stall information (kernel/sched/psi.c): `some` is the time in which at
// least one thread waited or reclaimed for room, with averages over 10, 60 and 300 seconds. What
// counts is what weir sees: direct reclaim, waiting at the limit, being held above high, and the
// time of refaults, of which only a sum is known (reclaim/refault_cost.h). `full` (nobody could go
// on) is told only while the container is one process of one thread, where it is the same as `some`;
// user space cannot see whether others ran meanwhile.
//
// Of overlapping stalls the union counts. What a stall adds to it is not known, but two bounds are: all of it after the
// last end seen so far is new; and of its length no more is old than was added since it began. The larger of the two is
// added, so that the total is not too large (but for two that end within the same nanoseconds). Sums fill the time that
// is left between stalls, of the last second at most: the total grows no faster than time, whatever the sums say.
//
// Safe in signal handlers; lock-free; a writer that is killed leaves the figures usable.
#pragma once

#include <array>
#include <cstdint>

#include "core/layout.h"

namespace weir {

struct Pressure {
  std::uint64_t total_us = 0;
  std::array<std::uint32_t, kPressureWindows> avg{};  // hundredths of a percent
};

// The beginning of a stall of one thread, by Os::now_ns().
struct StallStart {
  std::uint64_t ns = 0;
  std::uint64_t stalled_ns = 0;  // of all so far
};
StallStart begin_stall(const PressureRecord& record, std::uint64_t now_ns);

// Its end.
void note_stall(PressureRecord& record, const StallStart& start, std::uint64_t end_ns);

// Stalls that took `sum_ns` altogether, at times not known, shortly before `now_ns`. Gives how much
// of it there was time for.
std::uint64_t note_stalled_sum(PressureRecord& record, std::uint64_t sum_ns, std::uint64_t now_ns);

// The figures at `now_ns`; brings the averages up to date on the way.
Pressure pressure_at(PressureRecord& record, std::uint64_t now_ns);

// "avg10" and so on.
const char* pressure_window_name(std::size_t window);

}  // namespace weir
