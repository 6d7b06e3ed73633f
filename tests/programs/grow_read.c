// grow_read.c - read(2) into fresh memory: every fault is taken inside the kernel.
#include <fcntl.h>

#include "program.h"

int main(int argc, char** argv) {
  const size_t pieces = number_argument(argc, argv, 1, 48);
  char** held = calloc(pieces, sizeof(char*));
  const int zero = open("/dev/zero", O_RDONLY);
  require(zero >= 0, "open /dev/zero");
  for (size_t i = 0; i < pieces; ++i) {
    held[i] = malloc(MIB);
    require(held[i] != NULL, "malloc");
    require(read(zero, held[i], MIB) == (ssize_t)MIB, "a whole read");
    *(size_t*)(held[i] + MIB / 2) = i;
  }
  for (size_t i = 0; i < pieces; ++i) {
    require(*(size_t*)(held[i] + MIB / 2) == i, "mark kept");
    require(held[i][0] == 0 && memcmp(held[i], held[i] + 1, MIB / 2 - 1) == 0, "zeros kept");
    free(held[i]);
  }
  free(held);
  puts("ok");
  return 0;
}
