// whole_calls.c - two threads grow, and between two steps sleep, poll, and write to a pipe: no call may end early.
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>

#include "program.h"

enum { STEPS = 150, THREADS = 2 };

static int ends[THREADS][2];

static void* grown(size_t bytes, uint64_t seed) {
  void* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, seed);
  return memory;
}

static void* work(void* argument) {
  const uintptr_t number = (uintptr_t)argument;
  const int events = epoll_create1(0);
  for (uint64_t i = 0; i < STEPS; ++i) {
    const struct timespec moment = {0, 1000};
    struct epoll_event event;
    void* data = grown(MIB / 4, i);
    require(nanosleep(&moment, NULL) == 0, "a whole nanosleep");
    grown(MIB / 16, i);
    require(poll(NULL, 0, 1) == 0, "a whole poll");
    grown(MIB / 16, i);
    require(epoll_wait(events, &event, 1, 1) == 0, "a whole epoll_wait");
    grown(MIB / 16, i);
    require(write(ends[number][1], data, MIB / 4) == (ssize_t)(MIB / 4), "a whole write");
  }
  close(ends[number][1]);
  return NULL;
}

// A process that reads what one thread writes.
static void start_reader(int number) {
  static char data[MIB / 16];
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    size_t total = 0;
    for (int i = 0; i < THREADS; ++i) {
      close(ends[i][1]);
    }
    for (ssize_t got = 0; (got = read(ends[number][0], data, sizeof(data))) > 0;) {
      total += (size_t)got;
    }
    _exit(total == STEPS * MIB / 4 ? 0 : 1);
  }
}

int main(void) {
  pthread_t ids[THREADS];
  for (int i = 0; i < THREADS; ++i) {
    require(pipe(ends[i]) == 0, "pipe");
  }
  for (int i = 0; i < THREADS; ++i) {
    start_reader(i);
  }
  for (uintptr_t i = 0; i < THREADS; ++i) {
    require(pthread_create(&ids[i], NULL, work, (void*)i) == 0, "pthread_create");
  }
  for (int i = 0; i < THREADS; ++i) {
    int status = 0;
    pthread_join(ids[i], NULL);
    require(wait(&status) > 0 && status == 0, "all that was written");
  }
  puts("ok");
  return 0;
}
