// fork_groups.c - MIB DEPTH: a thread of a group forks, and what it and a new thread take in the child is their
// groups'.
//
// The first thread calls itself io_main and takes 4 MiB. Each child takes MIB more there, and MIB in a thread bio_x;
// then it forks the next one, DEPTH of them. The last one says "ready"; all wait for the end of the input and check
// what they hold, inherited memory included.
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "program.h"

enum { kBlock = 1024, kMostBlocks = 1 << 16 };

struct heap {
  unsigned* blocks[kMostBlocks];
  size_t count;
};

static void take(struct heap* heap, size_t bytes) {
  for (const size_t end = heap->count + bytes / kBlock; heap->count < end; ++heap->count) {
    require(heap->count < kMostBlocks, "room in the table");
    unsigned* const block = malloc(kBlock);
    require(block != NULL, "malloc");
    for (size_t i = 0; i < kBlock / sizeof(*block); ++i) {
      block[i] = (unsigned)(heap->count * 31 + i);
    }
    heap->blocks[heap->count] = block;
  }
}

static void check(const struct heap* heap) {
  for (size_t at = 0; at < heap->count; ++at) {
    for (size_t i = 0; i < kBlock / sizeof(unsigned); ++i) {
      require(heap->blocks[at][i] == (unsigned)(at * 31 + i), "what was written is there");
    }
  }
}

static struct heap mine;
static struct heap beside;
static size_t more;

static void* work(void* unused) {
  prctl(PR_SET_NAME, "bio_x");
  take(&beside, more);
  return unused;
}

// Gives 0 when this process and all below it found what they had written.
static int live(size_t depth) {
  pid_t child = 0;
  if (depth > 0) {
    child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
      pthread_t thread;
      take(&mine, more);
      require(pthread_create(&thread, NULL, work, NULL) == 0, "pthread_create");
      pthread_join(thread, NULL);
      _exit(live(depth - 1));
    }
  } else {
    puts("ready");
    fflush(stdout);
  }
  while (getchar() != EOF) {
  }
  check(&mine);
  check(&beside);
  int status = 0;
  return child == 0 || (waitpid(child, &status, 0) == child && status == 0) ? 0 : 1;
}

int main(int argc, char** argv) {
  more = number_argument(argc, argv, 1, 24) * MIB;
  prctl(PR_SET_NAME, "io_main");
  take(&mine, 4 * MIB);
  const int status = live(number_argument(argc, argv, 2, 1));
  puts(status == 0 ? "ok" : "WRONG");
  return status;
}
