// dump.h - the container's statistics, written on request to WEIR_DUMP_FILE.
#pragma once

#include <string_view>

#include "core/stats.h"

namespace weir {

// Where a dump goes: decides which thread can write it.
bool dump_goes_to_stderr();
// A descriptor to append to the dump file with (its name with `ending`), or -1. Signal-safe.
int append_to_dump(std::string_view ending);

// Writes one dump, after a fresh look at every member, or with what the books say already. Safe
// in signal handlers: no allocation, errno untouched.
void write_dump(Look look);

// In a fork child: whoever was at it is not here.
void forget_dump();

}  // namespace weir
