// recording.h - WEIR_RECORD: when the recorder begins, takes its turns, and ends with the program.
#pragma once

#include "preload/process.h"
#include "reclaim/background.h"

namespace weir {

// The environment asks for a recording: then the reclaimer starts wherever the process stands.
bool recording_is_wanted(const Process& p);
// The reclaimer thread's, once its descriptors are its own.
void begin_recording(Process& p);
// After each of its looks. `sleep_ns` is cut to what a recording allows.
void take_recording_turn(Process& p, const LookResult& result, std::int64_t& sleep_ns);
// The program ends: asks the reclaimer for the last record, and waits for it, half a second at most.
void finish_recording(Process& p);
// In a fork child, which has no reclaimer: it begins a file of its own when it has one.
void forget_recording(Process& p);

}  // namespace weir
