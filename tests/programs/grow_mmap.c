// grow_mmap.c - grows by mmap in pieces of 1 MiB, past any allocator.
#include <sys/mman.h>

#include "program.h"

int main(int argc, char** argv) {
  const size_t pieces = number_argument(argc, argv, 1, 48);
  void** held = calloc(pieces, sizeof(void*));
  for (size_t i = 0; i < pieces; ++i) {
    held[i] = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(held[i] != MAP_FAILED, "mmap");
    fill(held[i], MIB, i);
  }
  for (size_t i = 0; i < pieces; ++i) {
    verify(held[i], MIB, i);
    require(munmap(held[i], MIB) == 0, "munmap");
  }
  free(held);
  puts("ok");
  return 0;
}
