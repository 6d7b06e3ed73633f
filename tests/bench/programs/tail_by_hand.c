// tail_by_hand.c - what tail does with a pipe without newlines, and pages out what it will not need for longest.
//
// A floor for the pipeline of seed_dd: all in one thread, nothing measured, nothing found out, nothing charged.
// Memory as in tail.c: a chain of blocks of BUFSIZ bytes and a header, which malloc rounds up to 10240; filled
// once, walked twice, of which two pages of five are touched. No more than LIMIT MiB are ever present.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kBlock = 8192, kStep = 10240, kMostBlocks = 1 << 17 };

static const size_t kChunk = (size_t)2 << 20;  // a huge page: written and paged out in one piece

struct header {
  size_t bytes;
  size_t lines;
};

static char* memory;

static struct header* header_of(size_t block) {
  return (struct header*)(memory + block * kStep + kBlock);
}

// Keeps what was paged out `behind` bytes or more behind `at`.
static void page_out_behind(size_t at, size_t behind, size_t* done) {
  while (at > *done + behind + kChunk) {
    madvise(memory + *done, kChunk, MADV_PAGEOUT);
    *done += kChunk;
  }
}

// What is left of one pass would stand beside the beginning of the next.
static void page_out_rest(size_t blocks, size_t done) {
  madvise(memory + done, (blocks * kStep - done + 4095) / 4096 * 4096, MADV_PAGEOUT);
}

static size_t fill(size_t keep) {
  size_t done = 0;
  size_t block = 0;
  for (; block < kMostBlocks; ++block) {
    page_out_behind((block + 1) * kStep, keep, &done);
    const ssize_t got = read(STDIN_FILENO, memory + block * kStep, kBlock);
    if (got <= 0) {
      break;
    }
    *header_of(block) = (struct header){(size_t)got, 0};
  }
  page_out_rest(block, done);
  return block;
}

static void walk(size_t blocks, size_t keep, int writes) {
  size_t done = 0;
  for (size_t block = 0; block < blocks; ++block) {
    page_out_behind(block * kStep, keep * 5 / 2, &done);
    if (writes && write(STDOUT_FILENO, memory + block * kStep, header_of(block)->bytes) < 0) {
      exit(1);
    }
    header_of(block)->lines += !writes;
  }
  page_out_rest(blocks, done);
}

int main(int argc, char** argv) {
  const size_t limit = (size_t)(argc > 1 ? atoi(argv[1]) : 16) << 20;
  const size_t bytes = (size_t)kMostBlocks * kStep + kChunk;
  memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || limit < 4 * kChunk) {
    return 1;
  }
  memory = (char*)(((size_t)memory + kChunk - 1) / kChunk * kChunk);
  madvise(memory, bytes - kChunk, MADV_HUGEPAGE);
  const size_t keep = limit - 2 * kChunk;
  const size_t blocks = fill(keep);
  walk(blocks, keep, 1);
  walk(blocks, keep, 0);
  return 0;
}
