// walk_slowly.c - takes all its memory at once, then does nothing but walk through it, with rests, until its input
// ends.
#include <poll.h>

#include "program.h"

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 40) * MIB;
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 0);
  puts("ready");
  fflush(stdout);
  struct pollfd input = {.fd = 0, .events = POLLIN};
  uint64_t round = 0;
  while (poll(&input, 1, 20) == 0) {
    verify(memory, bytes, round++);
    fill(memory, bytes, round);
  }
  verify(memory, bytes, round);
  puts("ok");
  return 0;
}
