// supervisor.h - running a command as if there were nobody between it and who started it.
//
// Signals sent to the supervisor are passed on; Ctrl-C, which the terminal sends to both,
// is left to the command. Killing the supervisor, even by SIGKILL, does the command no harm.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace weir {

struct Ending {
  pid_t pid = 0;
  int exec_error = 0;   // not 0: the command never ran
  int wait_status = 0;  // as waitpid gives it
};

// Runs the command with this process' environment, signal mask and dispositions, to its end.
// exec_error also tells of a failing fork.
Ending supervise(const std::vector<std::string>& command);

// Ends this process as the command ended: the same exit status (which is returned, for main
// to give), or the same signal, without a core dump of our own.
int end_like(const Ending& ending);

}  // namespace weir
