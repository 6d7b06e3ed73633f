// signals.h - the two signals weir listens to: SIGTRAP of the fault meter, and the dump signal.
//
// SIGTRAP is shared: samples and pokes carry our cookie, everything else goes on to what the
// program has set, which its own sigaction and signal calls still read and write.
#pragma once

#include <signal.h>

namespace weir {

// False when the handler could not be set.
bool install_meter_signal();
// Leaves the signal alone when the program already handles it.
void install_dump_signal(int signal);
// The signal installed, 0 when there is none.
int installed_dump_signal();

// The program's view of SIGTRAP while our handler stands in for it.
bool owns_signal(int signal);
int program_sigaction(int signal, const struct sigaction* action, struct sigaction* old);

}  // namespace weir
