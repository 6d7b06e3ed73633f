// alt_stack.c - handlers on an alternative stack that grow memory themselves; the stack's guard words stay untouched.
#include <signal.h>

#include "program.h"

enum { kStack = 64 * 1024 };

static char* memory;
static volatile size_t filled;

static void on_usr1(int signal) {
  (void)signal;
  char here;
  stack_t now;
  require(sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_ONSTACK) != 0, "on the alternative stack");
  require(&here > (char*)now.ss_sp && &here < (char*)now.ss_sp + now.ss_size, "really on it");
  fill(memory + filled, MIB, filled);
  filled += MIB;
}

int main(void) {
  static char stack[kStack + 4096];
  memset(stack, 0x77, 4096);  // below the stack: an overflow shows here
  const stack_t alternative = {.ss_sp = stack + 4096, .ss_size = kStack};
  require(sigaltstack(&alternative, NULL) == 0, "sigaltstack");
  struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};
  require(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
  memory = malloc(40 * MIB);
  while (filled < 40 * MIB) {
    raise(SIGUSR1);
  }
  for (size_t at = 0; at < filled; at += MIB) {
    verify(memory + at, MIB, at);
  }
  for (int i = 0; i < 4096; ++i) {
    require(stack[i] == 0x77, "nothing below the stack was written");
  }
  puts("ok");
  return 0;
}
