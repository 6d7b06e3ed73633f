// grow_big_malloc.c - one big allocation, filled by one memset; before it, if so asked, many small ones that stay.
#include "program.h"

enum { SMALL = 64 << 10, MOST_SMALL = 1024 };

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 48) * MIB;
  const size_t before = number_argument(argc, argv, 2, 0) * MIB / SMALL;
  static char* small[MOST_SMALL];
  require(before <= MOST_SMALL, "at most 64 MiB before");
  for (size_t i = 0; i < before; ++i) {
    small[i] = malloc(SMALL);
    fill(small[i], SMALL, i);
  }
  unsigned char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  memset(memory, 0x5a, bytes);
  for (size_t i = 0; i < bytes; ++i) {
    require(((volatile unsigned char*)memory)[i] == 0x5a, "byte kept");
  }
  free(memory);
  for (size_t i = 0; i < before; ++i) {
    verify(small[i], SMALL, i);
  }
  puts("ok");
  return 0;
}
