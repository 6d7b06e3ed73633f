// objects.c - many small objects, freed in another order than they were made, while others take their places.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct Object {
  uint32_t bytes;
  uint32_t id;
  uint64_t words[];
};

static uint64_t state = 7;

static uint32_t next_random(void) {
  state = state * 6364136223846793005U + 1442695040888963407U;
  return (uint32_t)(state >> 33);
}

static struct Object* make(uint32_t id) {
  const uint32_t bytes = 32 + next_random() % 60 * 8;  // 32 to 504
  struct Object* const object = malloc(bytes);
  if (object == NULL) {
    exit(1);
  }
  object->bytes = bytes;
  object->id = id;
  for (uint32_t i = 0; i < (bytes - sizeof(*object)) / 8; ++i) {
    object->words[i] = i % 2 == 0 ? id * 0x9e3779b97f4a7c15U + i : i;
  }
  return object;
}

static uint64_t end(struct Object* object) {
  uint64_t sum = object->id;
  for (uint32_t i = 0; i < (object->bytes - sizeof(*object)) / 8; ++i) {
    sum = sum * 31 + object->words[i];
  }
  free(object);
  return sum;
}

// Each turn frees a share of the objects, chosen in runs from places all over, and makes new ones there.
int main(int argc, char** argv) {
  const size_t count = ((argc > 1 ? strtoul(argv[1], NULL, 10) : 1) << 20) / 272;
  const unsigned long turns = argc > 2 ? strtoul(argv[2], NULL, 10) : 4;
  struct Object** const all = malloc(count * sizeof(*all));
  uint64_t sum = 0;
  uint32_t id = 0;
  if (all == NULL) {
    return 1;
  }
  for (size_t i = 0; i < count; ++i) {
    all[i] = make(id++);
  }
  for (unsigned long turn = 0; turn < turns; ++turn) {
    for (size_t runs = 0; runs < count / 256; ++runs) {
      const size_t first = next_random() % count;
      for (size_t i = 0; i < 64; ++i) {
        struct Object** const place = &all[(first + i * 7) % count];
        sum += end(*place);
        *place = make(id++);
      }
    }
  }
  for (size_t i = count; i-- > 0;) {
    sum = sum * 31 + end(all[i]);
  }
  free(all);
  printf("%016llx\n", (unsigned long long)sum);
  return 0;
}
