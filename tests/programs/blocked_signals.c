// blocked_signals.c - grows with every signal blocked; none is pending afterwards, none kills at unblocking.
#include <signal.h>

#include "program.h"

int main(void) {
  sigset_t all, pending, old;
  sigfillset(&all);
  require(sigprocmask(SIG_BLOCK, &all, &old) == 0, "sigprocmask");
  char* memory = malloc(48 * MIB);
  fill(memory, 48 * MIB, 1);
  verify(memory, 48 * MIB, 1);
  require(sigpending(&pending) == 0, "sigpending");
  for (int signal = 1; signal < NSIG; ++signal) {
    require(signal == SIGTRAP || sigismember(&pending, signal) != 1, "no signal but SIGTRAP is pending");
  }
  require(sigprocmask(SIG_SETMASK, &old, NULL) == 0, "unblocking");
  verify(memory, 48 * MIB, 1);
  puts("ok");
  return 0;
}
