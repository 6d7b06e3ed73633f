// group_tides.c - MIB ROUNDS CHUNK: a thread "io" maps and touches up to MIB MiB by pieces of CHUNK, gives all of it
// back, and must get some again. Prints the most KiB that were resident, by the kernel's count.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "program.h"

enum { kMost = 1024, kAgain = 20 };

static size_t most;
static size_t rounds;
static size_t chunk;

// Up to the first that is refused.
static size_t take(char** blocks, size_t count) {
  size_t taken = 0;
  for (; taken < count; ++taken) {
    blocks[taken] = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (blocks[taken] == MAP_FAILED) {
      break;
    }
    memset(blocks[taken], (int)taken + 1, chunk);
  }
  return taken;
}

static void give_back(char** blocks, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    for (size_t at = 0; at < chunk; at += 4096) {
      require(blocks[i][at] == (char)(i + 1), "what was written is there");
    }
    munmap(blocks[i], chunk);
  }
}

static void* work(void* unused) {
  char* blocks[kMost];
  prctl(PR_SET_NAME, "io");
  for (size_t round = 0; round < rounds; ++round) {
    give_back(blocks, take(blocks, most));
    const size_t again = kAgain * MIB / chunk;
    require(take(blocks, again) == again, "room, once all was given back");
    give_back(blocks, again);
  }
  return unused;
}

int main(int argc, char** argv) {
  pthread_t thread;
  chunk = number_argument(argc, argv, 3, 1) * MIB;
  most = number_argument(argc, argv, 1, 50) * MIB / chunk;
  rounds = number_argument(argc, argv, 2, 10);
  require(most <= kMost, "MIB in the table");
  require(pthread_create(&thread, NULL, work, NULL) == 0, "pthread_create");
  pthread_join(thread, NULL);
  printf("%ld\n", status_number("/proc/self/status", "VmHWM:"));
  return 0;
}
