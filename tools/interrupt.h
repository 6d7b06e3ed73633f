// interrupt.h - Ctrl-C and SIGTERM as a question that a loop asks, so that what was begun is ended in order.
#pragma once

namespace weir {

// From now on SIGINT and SIGTERM end a sleep, and are noted.
void catch_interrupts();
// The number of the signal that came; 0: none.
int interrupted();

}  // namespace weir
