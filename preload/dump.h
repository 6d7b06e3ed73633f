// dump.h - the container's statistics, written on request to WEIR_DUMP_FILE.
#pragma once

namespace weir {

// Writes one dump. Safe in signal handlers: no allocation, errno untouched.
void write_dump();

}  // namespace weir
