// grow_big_malloc.c - one big allocation, filled by one memset.
#include "program.h"

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 48) * MIB;
  unsigned char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  memset(memory, 0x5a, bytes);
  for (size_t i = 0; i < bytes; ++i) {
    require(((volatile unsigned char*)memory)[i] == 0x5a, "byte kept");
  }
  free(memory);
  puts("ok");
  return 0;
}
