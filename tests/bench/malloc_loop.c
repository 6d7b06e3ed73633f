// malloc_loop.c - does little but allocate and free: blocks of many sizes that live for a while, and some that grow.
//
// Usage: malloc_loop STEPS. Deterministic, so that instruction counts of two runs compare.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kPlaces = 4096 };

static uint64_t state = 88172645463325252ULL;

static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static size_t next_size(void) {
  const uint64_t kind = next_random() % 100;
  if (kind < 80) {
    return 8 + next_random() % 248;
  }
  if (kind < 98) {
    return 256 + next_random() % 7936;
  }
  return 8192 + next_random() % 120000;
}

int main(int argc, char** argv) {
  static char* held[kPlaces];
  const long steps = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
  uint64_t sum = 0;
  for (long step = 0; step < steps; ++step) {
    const size_t place = next_random() % kPlaces;
    const size_t size = next_size();
    if (step % 16 == 0) {
      held[place] = realloc(held[place], size);
    } else {
      free(held[place]);
      held[place] = step % 5 == 0 ? calloc(1, size) : malloc(size);
    }
    if (held[place] == NULL) {
      return 1;
    }
    held[place][0] = (char)step;
    held[place][size - 1] = (char)step;
    sum += (unsigned char)held[place][0];
  }
  for (size_t place = 0; place < kPlaces; ++place) {
    free(held[place]);
  }
  printf("%llu\n", (unsigned long long)sum);
  return 0;
}
