// samples.h - the fault meter calls, or the reclaimer in its place, in the thread that grows.
//
// For signal handlers.
#pragma once

#include <cstdint>

namespace weir {

// So many faults later than the last sample, the last of them at `address`.
void on_fault_sample(std::uintptr_t address, std::uint32_t faults);
// A poke by the reclaimer, or a timer: it names neither.
void on_poke();

}  // namespace weir
