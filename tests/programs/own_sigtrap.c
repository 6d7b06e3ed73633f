// own_sigtrap.c - a program with a SIGTRAP handler of its own gets its own traps, by raise and by int3, and only those.
#include <signal.h>

#include "program.h"

static volatile sig_atomic_t traps;

static void on_trap(int signal, siginfo_t* info, void* context) {
  (void)context;
  require(signal == SIGTRAP && info->si_signo == SIGTRAP, "the right signal");
  ++traps;
}

static void grow(uint64_t seed) {
  char* memory = malloc(40 * MIB);
  fill(memory, 40 * MIB, seed);
  verify(memory, 40 * MIB, seed);
  free(memory);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  struct sigaction old;
  grow(1);
  require(sigaction(SIGTRAP, &action, &old) == 0, "sigaction");
  require(old.sa_handler == SIG_DFL, "the handler before was none");
  raise(SIGTRAP);
  require(traps == 1, "raise reaches the handler");
  __asm__ volatile("int3");
  require(traps == 2, "int3 reaches the handler");
  grow(2);
  require(traps == 2, "no trap that is not ours");
  require(sigaction(SIGTRAP, NULL, &old) == 0 && old.sa_sigaction == on_trap, "the handler set is the one seen");
  signal(SIGTRAP, SIG_IGN);
  raise(SIGTRAP);
  grow(3);
  require(traps == 2, "an ignored one is ignored");
  puts("ok");
  return 0;
}
