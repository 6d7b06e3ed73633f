// steps.c - grows by a size, says "ready", and does so again at each line of input; "free" gives the first piece back.
#include <sys/mman.h>

#include "program.h"

enum { kMostPieces = 8 };

static void grow(char** piece, size_t bytes, unsigned seed) {
  *piece = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(*piece != MAP_FAILED, "mmap");
  fill(*piece, bytes, seed);
  puts("ready");
  fflush(stdout);
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 16) * MIB;
  char* pieces[kMostPieces];
  unsigned count = 0;
  unsigned first = 0;
  char line[32];
  grow(&pieces[count++], bytes, 0);
  while (fgets(line, sizeof(line), stdin) != NULL) {
    if (strcmp(line, "free\n") != 0 || first == count) {
      require(count < kMostPieces, "too many lines");
      grow(&pieces[count], bytes, count);
      ++count;
    } else {
      verify(pieces[first], bytes, first);
      require(munmap(pieces[first++], bytes) == 0, "munmap");
      puts("ready");
      fflush(stdout);
    }
  }
  for (unsigned i = first; i < count; ++i) {
    verify(pieces[i], bytes, i);
  }
  puts("ok");
  return 0;
}
