// grow_mremap.c - one mapping grown and moved by mremap, its content kept; parts given back by madvise.
#include <sys/mman.h>

#include "program.h"

int main(int argc, char** argv) {
  const size_t most = number_argument(argc, argv, 1, 32);
  size_t bytes = MIB;
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  fill(memory, bytes, 0);
  for (size_t i = 1; i < most; ++i) {
    // Something in the way makes the next growth a move.
    mmap(memory + bytes, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory = mremap(memory, bytes, bytes + MIB, MREMAP_MAYMOVE);
    require(memory != MAP_FAILED, "mremap");
    fill(memory + bytes, MIB, i);
    bytes += MIB;
  }
  for (size_t i = 0; i < most; ++i) {
    verify(memory + i * MIB, MIB, i);
  }
  require(madvise(memory, bytes / 2, MADV_DONTNEED) == 0, "madvise");
  for (size_t i = 0; i < bytes / 2; ++i) {
    require(memory[i] == 0, "a page given back reads as zero");
  }
  verify(memory + (most - 1) * MIB, MIB, most - 1);
  puts("ok");
  return 0;
}
