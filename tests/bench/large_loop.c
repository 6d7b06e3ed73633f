// large_loop.c - MIB TURNS: takes a block, writes each of its pages, frees it, and again.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  const size_t bytes = (size_t)(argc > 1 ? atoi(argv[1]) : 16) << 20;
  const int turns = argc > 2 ? atoi(argv[2]) : 200;
  unsigned long sum = 0;
  for (int turn = 0; turn < turns; ++turn) {
    volatile unsigned char* block = malloc(bytes);
    if (block == NULL)
      return 1;
    for (size_t at = 0; at < bytes; at += 4096)
      block[at] = (unsigned char)(turn + at / 4096);
    sum += block[bytes / 2];
    free((void*)block);
  }
  printf("%lu\n", sum);
  return 0;
}
