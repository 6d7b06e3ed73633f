// deep_threads.c - threads whose stacks are all that grows: libc maps them, and what recurses calls nobody.
#include <pthread.h>

#include "program.h"

enum { kFrame = 4096 };

static volatile size_t depth;

static uint64_t recurse(size_t left) {
  volatile char frame[kFrame];
  frame[0] = (char)left;
  const uint64_t below = left > 0 ? recurse(left - 1) : 0;
  return below + (frame[0] == (char)left);
}

static void* run(void* unused) {
  (void)unused;
  require(recurse(depth) == depth + 1, "every frame is as it was");
  return NULL;
}

int main(int argc, char** argv) {
  const size_t threads = number_argument(argc, argv, 1, 8);
  const size_t bytes = number_argument(argc, argv, 2, 7) * MIB;
  pthread_t ids[64];
  depth = bytes / (kFrame + 64);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, bytes + MIB);
  for (size_t i = 0; i < threads; ++i) {
    require(pthread_create(&ids[i], &attributes, run, NULL) == 0, "pthread_create");
  }
  for (size_t i = 0; i < threads; ++i) {
    pthread_join(ids[i], NULL);
  }
  puts("ok");
  return 0;
}
