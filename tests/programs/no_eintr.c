// no_eintr.c - poll, nanosleep and reads of a pipe in one thread see no EINTR and no short data while others grow.
#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "program.h"

static volatile int done;
static int ends[2];

static void* sleep_often(void* unused) {
  while (!done) {
    const struct timespec moment = {0, 3000000};
    require(nanosleep(&moment, NULL) == 0, "nanosleep");
    require(poll(NULL, 0, 3) == 0, "poll");
    require(usleep(2000) == 0, "usleep");
  }
  require(write(ends[1], "end", 3) == 3, "write");
  return unused;
}

static void* read_pipe(void* unused) {
  char got[8];
  require(read(ends[0], got, sizeof(got)) == 3, "read of a pipe");
  return unused;
}

static void* grow(void* argument) {
  for (uint64_t round = 0; round < 3; ++round) {
    char* memory = malloc(24 * MIB);
    fill(memory, 24 * MIB, round);
    verify(memory, 24 * MIB, round);
    free(memory);
  }
  return argument;
}

int main(void) {
  pthread_t sleeper, reader, growers[2];
  require(pipe(ends) == 0, "pipe");
  require(pthread_create(&reader, NULL, read_pipe, NULL) == 0, "pthread_create");
  require(pthread_create(&sleeper, NULL, sleep_often, NULL) == 0, "pthread_create");
  for (int i = 0; i < 2; ++i) {
    require(pthread_create(&growers[i], NULL, grow, NULL) == 0, "pthread_create");
  }
  for (int i = 0; i < 2; ++i) {
    pthread_join(growers[i], NULL);
  }
  done = 1;
  pthread_join(sleeper, NULL);
  pthread_join(reader, NULL);
  puts("ok");
  return 0;
}
