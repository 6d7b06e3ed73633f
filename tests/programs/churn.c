// churn.c - allocates and frees blocks of very different sizes, each checked before it goes.
#include "program.h"

enum { kPlaces = 2048 };

static uint64_t state = 88172645463325252ULL;

static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

int main(int argc, char** argv) {
  static void* held[kPlaces];
  static size_t sizes[kPlaces];
  const size_t steps = number_argument(argc, argv, 1, 60000);
  for (size_t step = 0; step < steps; ++step) {
    const size_t place = next_random() % kPlaces;
    if (held[place] != NULL) {
      verify(held[place], sizes[place], place);
      free(held[place]);
    }
    // Mostly small, now and then a large one: up to 512 KiB.
    sizes[place] = (size_t)8 << (next_random() % (step % 16 == 0 ? 17 : 10));
    held[place] = malloc(sizes[place]);
    require(held[place] != NULL, "malloc");
    fill(held[place], sizes[place], place);
  }
  for (size_t place = 0; place < kPlaces; ++place) {
    if (held[place] != NULL) {
      verify(held[place], sizes[place], place);
    }
    free(held[place]);
  }
  puts("ok");
  return 0;
}
