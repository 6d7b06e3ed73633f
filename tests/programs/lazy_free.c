// lazy_free.c - a program with an allocator of its own that gives pages back by MADV_FREE, as Go's and V8's do.
#include <sys/mman.h>

#include "program.h"

int main(void) {
  const size_t bytes = 40 * MIB;
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  for (uint64_t round = 0; round < 4; ++round) {
    fill(memory, bytes / 2, round);
    fill(memory + bytes / 2, bytes / 2, round + 100);
    require(madvise(memory, bytes / 2, MADV_FREE) == 0, "MADV_FREE");
    verify(memory + bytes / 2, bytes / 2, round + 100);
    // A page given back holds what it held, or zeros: nothing else.
    const uint64_t* words = (const uint64_t*)memory;
    for (size_t i = 0; i < bytes / 16; ++i) {
      require(words[i] == word_at(i, round) || words[i] == 0, "a freed page is old or zero");
    }
  }
  puts("ok");
  return 0;
}
