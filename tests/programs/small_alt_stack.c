// small_alt_stack.c - an alternate signal stack of 8 KiB with nothing below it, as crash handlers have: grows, then
// raises the given signal, whose default is to end a process, and grows again.
#include <signal.h>
#include <sys/mman.h>

#include "program.h"

enum { kStack = 8192, kGuard = 4096 };

static void grow(size_t bytes, uint64_t seed) {
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  fill(memory, bytes, seed);
  verify(memory, bytes, seed);
  munmap(memory, bytes);
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 40) * MIB;
  const int signal = (int)number_argument(argc, argv, 2, 0);
  char* stack = mmap(NULL, kStack + kGuard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(stack != MAP_FAILED && mprotect(stack, kGuard, PROT_NONE) == 0, "guarded stack");
  const stack_t alternative = {.ss_sp = stack + kGuard, .ss_size = kStack};
  require(sigaltstack(&alternative, NULL) == 0, "sigaltstack");
  for (int turn = 0; turn < 3; ++turn) {
    if (signal != 0) {
      require(raise(signal) == 0, "raise");
    }
    grow(bytes, (uint64_t)turn);
  }
  puts("ok");
  return 0;
}
