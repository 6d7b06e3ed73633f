// fork_grow.c - parent and child both grow after a fork, and what they shared stays as it was in both.
#include <sys/wait.h>

#include "program.h"

static void grow(size_t mib, uint64_t seed) {
  char* memory = malloc(mib * MIB);
  require(memory != NULL, "malloc");
  fill(memory, mib * MIB, seed);
  verify(memory, mib * MIB, seed);
  free(memory);
}

int main(int argc, char** argv) {
  const size_t mib = number_argument(argc, argv, 1, 24);
  const size_t held = number_argument(argc, argv, 2, 2) * MIB;
  char* shared = malloc(held);
  fill(shared, held, 1);
  for (int round = 0; round < 3; ++round) {
    const pid_t child = fork();
    require(child >= 0, "fork");
    grow(mib, (uint64_t)child);
    verify(shared, held, 1);
    if (child == 0) {
      fill(shared, held, 2);  // the child's copy only
      _exit(0);
    }
    int status = -1;
    require(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
    verify(shared, held, 1);
  }
  puts("ok");
  return 0;
}
