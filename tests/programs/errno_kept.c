// errno_kept.c - a successful malloc, a touch and a free leave errno as it was.
#include "program.h"

int main(void) {
  enum { kBlocks = 40 };
  char* held[kBlocks];
  for (int i = 0; i < kBlocks; ++i) {
    errno = 4242;
    held[i] = malloc(MIB);
    require(held[i] != NULL && errno == 4242, "errno after malloc");
    fill(held[i], MIB, (uint64_t)i);
    require(errno == 4242, "errno after a touch");
  }
  for (int i = 0; i < kBlocks; ++i) {
    verify(held[i], MIB, (uint64_t)i);
    free(held[i]);
    require(errno == 4242, "errno after free");
  }
  puts("ok");
  return 0;
}
