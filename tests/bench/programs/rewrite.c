// rewrite.c - a table rewritten from one end to the other, pass after pass: what least-recently-used does worst.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  const size_t words = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1) << 17;
  const unsigned long passes = argc > 2 ? strtoul(argv[2], NULL, 10) : 4;
  uint64_t* const table = malloc(words * sizeof(*table));
  if (table == NULL) {
    return 1;
  }
  for (size_t i = 0; i < words; ++i) {
    table[i] = i % 2 == 0 ? i * 0x9e3779b97f4a7c15U : 0;
  }
  for (unsigned long pass = 0; pass < passes; ++pass) {
    uint64_t carried = pass;
    for (size_t i = 0; i < words; ++i) {
      carried = (carried ^ table[i]) * 0x100000001b3U;
      table[i] += i % 2 == 0 ? carried : 0;
    }
  }
  uint64_t sum = 0;
  for (size_t i = 0; i < words; ++i) {
    sum = (sum ^ table[i]) * 0x100000001b3U;
  }
  printf("%016llx\n", (unsigned long long)sum);
  free(table);
  return 0;
}
