// meter_choice.h - which of the two meters counts this process' faults, and how finely.
//
// The perf meter belongs to the reclaimer thread, in whose descriptor table its descriptor is:
// all but meter_is_fine() and forget_meter() is for that thread.
#pragma once

#include <string_view>

#include "core/layout.h"

namespace weir {

struct Process;
struct Standing;

// Opens the perf meter, or tells why the fallback has to do.
void choose_meter(Process& p);
// Books which meter is in force, and tells of it as an event.
void set_meter(Process& p, Meter kind, std::string_view why);
// Finer near the limit; the fallback once a debugger is attached.
void adjust_meter(Process& p, const Standing& standing);
void close_meter(Process& p);
// In a child after fork: it has no reclaimer, and so no meter.
void forget_meter();
// Whether the fault meter samples finely at the moment. Safe in signal handlers, from any thread.
bool meter_is_fine();

}  // namespace weir
