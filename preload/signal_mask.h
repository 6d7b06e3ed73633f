// signal_mask.h - SIGTRAP stays open to us in threads that block every signal, and they see it blocked.
//
// Samples and pokes are SIGTRAPs. The workers of many pools (xz's are some) block all signals: they would grow past
// every mark, while their samples wait. What the program asks for is kept per thread and told back to it.
#pragma once

#include <signal.h>

namespace weir {

// sigprocmask(2) as the program sees it: 0 or minus an errno. Safe in signal handlers.
long change_mask(int how, const sigset_t* set, sigset_t* old);

// The calling thread is about to start another one, which inherits what it blocks.
void pass_on_mask();

// In the handler, for a SIGTRAP that somebody sent to the program: true when the program blocks it in this thread. It
// then comes again once it does not.
bool hold_back_trap();

// Where the meter begins: SIGTRAP may have been blocked before us, across an exec.
void open_trap_here();

}  // namespace weir
