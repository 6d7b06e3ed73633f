// interrupt.h - Ctrl-C, SIGTERM and SIGHUP as a question that a loop asks, so that what was begun is ended in order.
#pragma once

namespace weir {

// From now on SIGINT, SIGTERM and SIGHUP end a sleep, and are noted; but for those that were ignored.
void catch_interrupts();
// The number of the signal that came; 0: none.
int interrupted();

}  // namespace weir
