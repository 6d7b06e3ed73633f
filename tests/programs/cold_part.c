// cold_part.c - fills memory, then uses its first quarter only, until its input ends; then every byte must be there.
#include <poll.h>

#include "program.h"

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 64) * MIB;
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 0);
  puts("full");
  fflush(stdout);
  struct pollfd input = {STDIN_FILENO, POLLIN, 0};
  while (poll(&input, 1, 20) == 0) {
    verify(memory, bytes / 4, 0);
  }
  verify(memory, bytes, 0);
  free(memory);
  puts("ok");
  return 0;
}
