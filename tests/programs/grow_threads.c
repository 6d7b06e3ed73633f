// grow_threads.c - N threads touch fresh memory at full speed, hold it, and read it back.
#include <pthread.h>
#include <sys/mman.h>

#include "program.h"

static size_t bytes_each;
static pthread_barrier_t all_there;

static void* grow(void* argument) {
  const uint64_t seed = (uintptr_t)argument;
  pthread_barrier_wait(&all_there);
  void* memory = mmap(NULL, bytes_each, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  fill(memory, bytes_each, seed);
  pthread_barrier_wait(&all_there);
  verify(memory, bytes_each, seed);
  return NULL;
}

int main(int argc, char** argv) {
  const size_t threads = number_argument(argc, argv, 1, 4);
  bytes_each = number_argument(argc, argv, 2, 16) * MIB;
  pthread_t ids[64];
  require(threads <= 64, "at most 64 threads");
  pthread_barrier_init(&all_there, NULL, (unsigned)threads);
  for (uintptr_t i = 0; i < threads; ++i) {
    require(pthread_create(&ids[i], NULL, grow, (void*)i) == 0, "pthread_create");
  }
  for (size_t i = 0; i < threads; ++i) {
    pthread_join(ids[i], NULL);
  }
  puts("ok");
  return 0;
}
