// setns_in_threads.c - threads that all call setns and unshare at once, again and again, and allocate between.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

#include "program.h"

enum { kThreads = 4, kRounds = 200, kBytes = 300000 };

static pthread_barrier_t barrier;

// Whether the calls succeed depends on rights, and does not matter here.
static void* enter(void* unused) {
  (void)unused;
  const int fd = open("/proc/self/ns/uts", O_RDONLY);
  for (int i = 0; i < kRounds; ++i) {
    pthread_barrier_wait(&barrier);
    setns(fd, 0);
    unshare(CLONE_FS);
    char* memory = malloc(kBytes);
    require(memory != NULL, "malloc");
    memset(memory, 1, kBytes);
    free(memory);
  }
  close(fd);
  return NULL;
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 24) * MIB;
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 1);
  pthread_t threads[kThreads];
  pthread_barrier_init(&barrier, NULL, kThreads);
  for (int i = 0; i < kThreads; ++i) {
    require(pthread_create(&threads[i], NULL, enter, NULL) == 0, "pthread_create");
  }
  for (int i = 0; i < kThreads; ++i) {
    pthread_join(threads[i], NULL);
  }
  verify(memory, bytes, 1);
  free(memory);
  puts("ok");
  return 0;
}
