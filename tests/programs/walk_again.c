// walk_again.c - fills memory beyond its limit, then walks all of it forward, several times, checking every byte.
#include "program.h"

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 48) * MIB;
  const size_t rounds = number_argument(argc, argv, 2, 3);
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 0);
  for (size_t round = 0; round < rounds; ++round) {
    verify(memory, bytes, round);
    fill(memory, bytes, round + 1);
  }
  verify(memory, bytes, rounds);
  free(memory);
  puts("ok");
  return 0;
}
