// grow_blocked.c - threads of a pool that block every signal walk memory beyond the limit; the mask they read back is
// the one they set.
#include <pthread.h>
#include <signal.h>

#include "program.h"

static size_t bytes_each;

static void require_all_blocked(void) {
  sigset_t mask;
  require(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0, "reading the mask");
  for (int signal = 1; signal < 32; ++signal) {
    require(signal == SIGKILL || signal == SIGSTOP || sigismember(&mask, signal) == 1, "blocked, as it was set");
  }
}

static void* work(void* unused) {
  require_all_blocked();
  char* memory = malloc(bytes_each);
  fill(memory, bytes_each, 1);
  verify(memory, bytes_each, 1);
  free(memory);
  return unused;
}

int main(int argc, char** argv) {
  const size_t threads = number_argument(argc, argv, 1, 2);
  bytes_each = number_argument(argc, argv, 2, 24) * MIB;
  pthread_t ids[16];
  sigset_t all, before, trap;
  require(threads <= 16, "at most 16 threads");
  sigfillset(&all);
  require(pthread_sigmask(SIG_SETMASK, &all, &before) == 0, "block all");
  require(sigismember(&before, SIGTRAP) == 0, "nothing was blocked");
  for (size_t i = 0; i < threads; ++i) {
    require(pthread_create(&ids[i], NULL, work, NULL) == 0, "pthread_create");
  }
  for (size_t i = 0; i < threads; ++i) {
    pthread_join(ids[i], NULL);
  }
  require_all_blocked();
  sigemptyset(&trap);
  sigaddset(&trap, SIGTRAP);
  require(sigprocmask(SIG_UNBLOCK, &trap, &all) == 0 && sigismember(&all, SIGTRAP) == 1, "it was blocked");
  require(sigprocmask(SIG_SETMASK, &before, &all) == 0 && sigismember(&all, SIGTRAP) == 0, "it is not any more");
  require(pthread_sigmask(99, &all, NULL) == EINVAL, "its errors");
  puts("ok");
  return 0;
}
