// log.h - the few lines weir says outside the registry, where WEIR_LOG allows it.
//
// By default only to a terminal: programs compare their error output. Never allocates; opens
// and closes a named file for each line, so that no descriptor stays in the program.
#pragma once

#include <string_view>

#include "core/options.h"

namespace weir {

// warn: what is lost or was refused; error: who was killed; info: the container and the meter; debug: the
// reclaimer's work. Safe in signal handlers.
void log_line(LogLevel level, std::string_view text);
// Whether such a line goes anywhere: to spare the making of it.
bool is_logged(LogLevel level);

}  // namespace weir
