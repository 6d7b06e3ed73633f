// dies_of_sigtrap.c - a program without a SIGTRAP handler that traps after growth dies of SIGTRAP, as without us.
#include <signal.h>
#include <sys/resource.h>

#include "program.h"

int main(void) {
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  char* memory = malloc(40 * MIB);
  fill(memory, 40 * MIB, 1);
  verify(memory, 40 * MIB, 1);
  puts("grown");
  fflush(stdout);
  raise(SIGTRAP);
  puts("survived");
  return 0;
}
