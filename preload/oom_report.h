// oom_report.h - the OOM report beyond the events: the dump file, and the victim's terminal.
#pragma once

#include "reclaim/engine.h"

namespace weir {

// Appends each line to WEIR_DUMP_FILE (to FILE.oom where the format is not text, so that what
// parses it goes on parsing), and to the victim's stderr if that is a terminal. Raw system calls
// only. One at a time in a process: the killer of a container is alone, but a thread may be at another's.
OomReport& program_oom_report();
// In a child after fork: the thread that wrote one is not there.
void forget_oom_report();

}  // namespace weir
