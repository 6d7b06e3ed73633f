// read_into_map.c - touches one mapping, then read(2)s into each piece of fresh ones, which no allocator hands out.
#include <fcntl.h>
#include <sys/mman.h>

#include "program.h"

static char* fresh(size_t bytes) {
  char* at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(at != MAP_FAILED, "mmap");
  return at;
}

int main(int argc, char** argv) {
  const size_t mib = number_argument(argc, argv, 1, 64);
  const size_t rounds = number_argument(argc, argv, 2, 3);
  const int zero = open("/dev/zero", O_RDONLY);
  require(zero >= 0, "open /dev/zero");
  for (size_t round = 0; round < rounds; ++round) {
    char* touched = fresh(mib * MIB);
    for (size_t i = 0; i < mib * MIB; i += 4096) {
      touched[i] = 1;
    }
    char* filled = fresh(mib * MIB);
    for (size_t i = 0; i < mib; ++i) {
      require(read(zero, filled + i * MIB, MIB) == (ssize_t)MIB, "a whole read");
      filled[i * MIB + MIB / 2] = (char)i;
    }
    for (size_t i = 0; i < mib; ++i) {
      require(filled[i * MIB + MIB / 2] == (char)i && touched[i * MIB] == 1, "marks kept");
    }
    munmap(touched, mib * MIB);
    munmap(filled, mib * MIB);
  }
  puts("ok");
  return 0;
}
