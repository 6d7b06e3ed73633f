// thrash.c - MIB SECONDS: touches pages of its memory in random order for so long; then every word must be right.
#include <time.h>

#include "program.h"

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 96) * MIB;
  const time_t seconds = (time_t)number_argument(argc, argv, 2, 10);
  uint64_t* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 7);
  const time_t end = time(NULL) + seconds;
  uint64_t random = 88172645463325252;
  while (time(NULL) < end) {
    for (int i = 0; i < 1000; ++i) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      volatile uint64_t* word = &memory[random % (bytes / sizeof(uint64_t))];
      *word = *word;
    }
  }
  verify(memory, bytes, 7);
  free(memory);
  puts("ok");
  return 0;
}
