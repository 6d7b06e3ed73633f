// shell.h - a command line that the user gave us to run beside our own work.
#pragma once

#include <string>

namespace weir {

// Runs it by /bin/sh with this process' environment and waits for its end. Its stdout is our
// stderr: ours is a list that somebody parses. A failure is said, under `option`, and no more.
void run_shell(const std::string& option, const std::string& command);

}  // namespace weir
