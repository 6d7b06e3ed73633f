// sigwait_loop.c - one thread takes every signal by sigwait while others grow: it sees the program's own only.
#include <pthread.h>
#include <signal.h>

#include "program.h"

static sigset_t all;

static void* wait_for_signals(void* unused) {
  int seen = 0;
  for (int signal = 0; signal != SIGTERM; ++seen) {
    require(sigwait(&all, &signal) == 0, "sigwait");
    require(signal == SIGUSR1 || signal == SIGTERM, "a signal that was sent");
  }
  require(seen == 2, "one of each");
  return unused;
}

static void* grow(void* unused) {
  char* memory = malloc(24 * MIB);
  fill(memory, 24 * MIB, 1);
  verify(memory, 24 * MIB, 1);
  return unused;
}

int main(void) {
  pthread_t waiter, growers[2];
  sigfillset(&all);
  require(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0, "block all");
  require(pthread_create(&waiter, NULL, wait_for_signals, NULL) == 0, "pthread_create");
  kill(getpid(), SIGUSR1);
  for (int i = 0; i < 2; ++i) {
    require(pthread_create(&growers[i], NULL, grow, NULL) == 0, "pthread_create");
  }
  for (int i = 0; i < 2; ++i) {
    pthread_join(growers[i], NULL);
  }
  kill(getpid(), SIGTERM);
  pthread_join(waiter, NULL);
  puts("ok");
  return 0;
}
