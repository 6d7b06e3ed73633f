// dump.h - the container's statistics, written on request to WEIR_DUMP_FILE.
#pragma once

#include "core/stats.h"
#include "core/text.h"

namespace weir {

// Where a dump goes: decides which thread can write it.
bool dump_goes_to_stderr();
// The path of the dump file, its %p and %c filled in.
void dump_path(Text& out);

// Writes one dump, after a fresh look at every member, or with what the books say already. Safe
// in signal handlers: no allocation, errno untouched.
void write_dump(Look look);

}  // namespace weir
