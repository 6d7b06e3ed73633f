// signals.h - the signals weir listens to: SIGTRAP of the fault meter, SIGBUS of a lost registry, and the dump signal.
//
// The first two are borrowed: samples and pokes carry our cookie, a lost registry has its address, and everything else
// goes on to what the program has set, which its own sigaction and signal calls still read and write.
#pragma once

#include "preload/borrowed_signal.h"

namespace weir {

// False when the handler could not be set.
bool install_meter_signal();
// A registry cut short while it is mapped ends weir in this process, and not the process.
bool guard_registry();
// Leaves the signal alone when the program already handles it.
void install_dump_signal(int signal);
// The signal installed, 0 when there is none.
int installed_dump_signal();
// The program has set a handler: should it be for that signal, nobody may send it in our name any more.
void note_program_handler(int signal, const struct sigaction* action);

// The one that stands in for the program's handler of `signal`, or null: then the handler is the program's own.
BorrowedSignal* borrowed(int signal);

}  // namespace weir
