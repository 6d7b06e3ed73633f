// walk_in_thread.c - MIB ROUNDS THREADS: as many threads "io" share MIB MiB, fill them and walk them again and again.
// Prints the most KiB that were resident at any look of the first thread's, which looks every millisecond.
#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

#include "program.h"

enum { kMostThreads = 8 };

static size_t bytes;
static size_t rounds;
static volatile int at_work;

static void* walk(void* unused) {
  prctl(PR_SET_NAME, "io");
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 0);
  for (size_t round = 0; round < rounds; ++round) {
    verify(memory, bytes, 0);
  }
  free(memory);
  __atomic_sub_fetch(&at_work, 1, __ATOMIC_RELEASE);
  return unused;
}

int main(int argc, char** argv) {
  const size_t threads = number_argument(argc, argv, 3, 1);
  pthread_t walkers[kMostThreads];
  require(threads >= 1 && threads <= kMostThreads, "THREADS in the table");
  bytes = number_argument(argc, argv, 1, 96) * MIB / threads;
  rounds = number_argument(argc, argv, 2, 5);
  at_work = (int)threads;
  for (size_t i = 0; i < threads; ++i) {
    require(pthread_create(&walkers[i], NULL, walk, NULL) == 0, "pthread_create");
  }
  long most = 0;
  while (at_work != 0) {
    const struct timespec millisecond = {0, 1000000};
    const long now = status_number("/proc/self/status", "RssAnon:");
    most = now > most ? now : most;
    nanosleep(&millisecond, NULL);
  }
  for (size_t i = 0; i < threads; ++i) {
    pthread_join(walkers[i], NULL);
  }
  printf("%ld\n", most);
  return 0;
}
