// callbacks.h - functions of the program that are called under pressure and before a kill.
//
// Each of the two has a thread of its own, started by the first registration: one that does not
// return must not keep the other from being called. Not the reclaimer, whose descriptors are not the
// program's, and which must not wait for anybody. The threads are the program's in every other way:
// its descriptors, its memory, charged and metered; but no signal of the program is handled there.
//
// From threads of the program, not from signal handlers.
#pragma once

#include <cstdint>

namespace weir {

struct Process;

using PressureCallback = void (*)(void* context, std::uint64_t stalled_us);
using WarningCallback = void (*)(void* context, std::uint32_t grace_ms);

// Instead of the one before; null: none any more. 0 or an errno (weir.h).
int set_pressure_callback(Process& p, std::uint64_t stall_us, std::uint64_t window_us, PressureCallback callback,
                          void* context);
int set_warning_callback(Process& p, std::uint32_t grace_ms, WarningCallback callback, void* context);

// In a fork child, which has none of the threads.
void forget_callbacks();
// No callback is begun from now on; threads that are in none end.
void stop_callbacks(Process& p);
// True in the thread for warnings: what it needs to give memory back is never waited for. Safe in
// signal handlers.
bool is_warning_thread();
// How many of these threads there are.
std::uint32_t callback_threads();

}  // namespace weir
