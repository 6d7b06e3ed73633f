// warned.c - MODE GRACE_MS: holds 16 MiB of cache and takes more, locked, while it listens by weir.h for the warning.
//
// MODE is what the callback does: free (the cache), nothing, hang (never returns). With "quiet" it does nothing, and
// the program stops growing once it was warned. The callback prints "warned" and the time. Says "went through" with
// 24 MiB more in hand, "alone" where libweir.so is not there, "cannot lock" where it may not.
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "preload/weir.h"
#include "program.h"

enum { CACHE = 16, MORE = 24 };

// Its multiples keep away from what a limit of 32 MiB leaves, or who is killed would depend on the last few pages.
#define STEP (MIB * 3 / 2)

static char mode;
static void* cache;
static volatile int warned;

static void* locked(size_t bytes) {
  void* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  if (mlock(memory, bytes) != 0) {
    puts("cannot lock");
    exit(77);
  }
  return memory;
}

static void on_warning(void* context, uint32_t grace_ms) {
  struct timespec now;
  sigset_t blocked;
  char* own = malloc(100000);  // a callback may allocate
  require(own != NULL && context == &cache, "memory, and the context that was registered");
  pthread_sigmask(SIG_BLOCK, NULL, &blocked);
  require(sigismember(&blocked, SIGTERM) == 1, "the program's signals are not handled here");
  clock_gettime(CLOCK_MONOTONIC, &now);
  dprintf(STDOUT_FILENO, "warned %u %ld.%09ld\n", grace_ms, (long)now.tv_sec, now.tv_nsec);
  if (mode == 'f') {
    munmap(cache, CACHE * MIB);
  }
  free(own);
  warned = 1;
  while (mode == 'h') {
    pause();
  }
}

int main(int argc, char** argv) {
  if (argc != 3)
    return 2;
  mode = argv[1][0];
  if (weir_on_kill_warning == NULL || weir_on_pressure == NULL) {
    puts("alone");
    return 0;
  }
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &limit);
  const uint32_t grace_ms = (uint32_t)atoi(argv[2]);
  require(weir_on_kill_warning(0, on_warning, NULL) == EINVAL, "no grace is none");
  require(weir_on_kill_warning(1001, on_warning, NULL) == EINVAL, "a second at most");
  require(weir_on_kill_warning(grace_ms, on_warning, &cache) == 0, "registered");
  cache = locked(CACHE * MIB);
  for (size_t i = 0; i < MORE * MIB / STEP; ++i) {
    locked(STEP);
    while (mode == 'q' && warned)
      pause();
  }
  puts("went through");
  return 0;
}
