// group_loop.c - eight named threads that do little but allocate and free, every fourth block one that another made.
//
// Usage: group_loop STEPS, of each thread. The blocks that change hands go through a table, so that both the frees and
// the allocations cross from group to group.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

enum { kThreads = 8, kPlaces = 512, kShared = 1024 };

static char* shared[kShared];
static long steps;

static uint64_t next_random(uint64_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static size_t next_size(uint64_t* state) {
  const uint64_t kind = next_random(state) % 100;
  return kind < 80 ? 8 + next_random(state) % 248 : kind < 99 ? 256 + next_random(state) % 7936 : 8192 + kind * 300;
}

static void* work(void* argument) {
  const intptr_t number = (intptr_t)argument;
  uint64_t state = 88172645463325252ULL + (uint64_t)number * 7919;
  char* held[kPlaces] = {0};
  char name[16];
  snprintf(name, sizeof name, "io_%d", (int)number);
  prctl(PR_SET_NAME, name);
  for (long step = 0; step < steps; ++step) {
    const size_t place = next_random(&state) % kPlaces;
    const size_t size = next_size(&state);
    char* made = malloc(size);
    if (made == NULL)
      abort();
    made[0] = made[size - 1] = (char)step;
    if (step % 4 == 0)
      made = __atomic_exchange_n(&shared[next_random(&state) % kShared], made, __ATOMIC_ACQ_REL);
    free(held[place]);
    held[place] = made;
  }
  for (size_t place = 0; place < kPlaces; ++place)
    free(held[place]);
  return NULL;
}

int main(int argc, char** argv) {
  pthread_t threads[kThreads];
  steps = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
  for (intptr_t i = 0; i < kThreads; ++i)
    if (pthread_create(&threads[i], NULL, work, (void*)i) != 0)
      return 1;
  for (int i = 0; i < kThreads; ++i)
    pthread_join(threads[i], NULL);
  return 0;
}
