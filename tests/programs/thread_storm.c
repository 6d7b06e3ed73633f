// thread_storm.c - MIB SECONDS RATE: eight named threads hold MIB MiB each while RATE threads a second come and go.
//
// Those that come take a name of one of the eight groups (io_0 to io_7), allocate some 256 KiB, free what the one
// before them left, and end. Prints "ready" when the eight hold their memory and the storm has begun, and in the end
// how many threads there were in a second.
#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

#include "program.h"

enum { GROUPS = 8, BLOCKS = 16, BLOCK = 16384 };

static size_t bytes;
static pthread_barrier_t held;
static pthread_barrier_t done;
static void* left[GROUPS];

static void name_self(int group) {
  char name[16];
  snprintf(name, sizeof name, "io_%d", group);
  prctl(PR_SET_NAME, name);
}

static void* hold(void* argument) {
  name_self((int)(intptr_t)argument);
  char* memory = malloc(bytes);
  require(memory != NULL, "memory");
  memset(memory, 1, bytes);
  pthread_barrier_wait(&held);
  pthread_barrier_wait(&done);
  free(memory);
  return NULL;
}

static void* come_and_go(void* argument) {
  const int group = (int)(intptr_t)argument;
  void* blocks[BLOCKS];
  name_self(group);
  for (int i = 0; i < BLOCKS; ++i) {
    blocks[i] = malloc(BLOCK);
    require(blocks[i] != NULL, "memory");
    memset(blocks[i], i, BLOCK);
  }
  free(__atomic_exchange_n(&left[(group + 3) % GROUPS], blocks[0], __ATOMIC_ACQ_REL));  // another group's
  for (int i = 1; i < BLOCKS; ++i)
    free(blocks[i]);
  return NULL;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char** argv) {
  if (argc != 4)
    return 2;
  bytes = (size_t)atoi(argv[1]) * MIB;
  const double seconds = atof(argv[2]);
  const double rate = atof(argv[3]);
  pthread_t holders[GROUPS];
  pthread_barrier_init(&held, NULL, GROUPS + 1);
  pthread_barrier_init(&done, NULL, GROUPS + 1);
  for (intptr_t i = 0; i < GROUPS; ++i)
    require(pthread_create(&holders[i], NULL, hold, (void*)i) == 0, "a thread");
  pthread_barrier_wait(&held);
  const double start = now();
  long count = 0;
  printf("ready\n");
  fflush(stdout);
  while (now() - start < seconds) {
    pthread_t pair[2];
    for (int i = 0; i < 2; ++i)
      require(pthread_create(&pair[i], NULL, come_and_go, (void*)(intptr_t)((count + i) % GROUPS)) == 0, "a thread");
    for (int i = 0; i < 2; ++i)
      pthread_join(pair[i], NULL);
    count += 2;
    const double ahead = (double)count / rate - (now() - start);
    if (ahead > 0)
      usleep((useconds_t)(ahead * 1e6));
  }
  const double took = now() - start;
  printf("threads a second %.0f\n", (double)count / took);
  pthread_barrier_wait(&done);
  for (int i = 0; i < GROUPS; ++i)
    pthread_join(holders[i], NULL);
  return 0;
}
