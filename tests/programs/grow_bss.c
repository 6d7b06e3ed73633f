// grow_bss.c - touches a static array of 64 MiB: memory that no allocator and no mmap ever saw.
#include "program.h"

static uint64_t big[64 * 1024 * 1024 / 8];

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 64) * MIB;
  require(bytes <= sizeof(big), "argument at most 64");
  fill(big, bytes, 7);
  verify(big, bytes, 7);
  puts("ok");
  return 0;
}
