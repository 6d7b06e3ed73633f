// enomem_probe.c - locks all it gets and allocates until it is refused: errno is ENOMEM, small blocks still come, and
// what is unlocked and freed can be had again.
#include <sys/mman.h>
#include <sys/resource.h>

#include "program.h"

enum { kMost = 256 };

static size_t take_until_refused(char** held) {
  size_t count = 0;
  for (; count < kMost; ++count) {
    errno = 0;
    held[count] = malloc(MIB);
    if (held[count] == NULL) {
      require(errno == ENOMEM, "errno of a refused malloc");
      break;
    }
    if (mlock(held[count], MIB) != 0) {
      puts("cannot lock");
      exit(77);
    }
    memset(held[count], 1, MIB);
  }
  return count;
}

static void drop(char** held, size_t count) {
  while (count-- > 0) {
    munlock(held[count], MIB);
    free(held[count]);
  }
}

int main(void) {
  static char* held[kMost];
  const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &all);  // root only; else what is allowed must do
  const size_t first = take_until_refused(held);
  require(first < kMost, "some malloc is refused");
  for (int i = 0; i < 100; ++i) {
    void* small = malloc(64);
    require(small != NULL, "a small block after a refusal");
    free(small);
  }
  require(calloc(1, 64 * MIB) == NULL && errno == ENOMEM, "a big calloc is refused too");
  drop(held, first);
  const size_t second = take_until_refused(held);
  require(second + 4 >= first, "what was freed can be had again");
  drop(held, second);
  puts("refused and went on");
  return 0;
}
