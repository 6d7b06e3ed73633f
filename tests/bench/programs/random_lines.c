// random_lines.c - so many lines of 40 characters to standard output, in no order, the same ones every time.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  const unsigned long lines = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
  uint64_t state = 1;
  for (unsigned long i = 0; i < lines; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const unsigned key = (unsigned)(state >> 32);
    if (printf("%08x the line that was number %010lu\n", key, i) < 0) {
      return 1;
    }
  }
  return fflush(stdout) == 0 ? 0 : 1;
}
