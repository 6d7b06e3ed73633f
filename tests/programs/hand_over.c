// hand_over.c - thread "io" takes memory and touches none of it; the first thread fills it and reads it back.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "program.h"

static size_t bytes;

static void* take(void* how) {
  prctl(PR_SET_NAME, "io");
  const int maps = *(const char*)how == 'm';
  return maps ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : malloc(bytes);
}

int main(int argc, char** argv) {
  bytes = number_argument(argc, argv, 1, 48) * MIB;
  pthread_t thread;
  void* memory = NULL;
  require(pthread_create(&thread, NULL, take, argc > 2 ? argv[2] : "malloc") == 0, "pthread_create");
  require(pthread_join(thread, &memory) == 0, "pthread_join");
  require(memory != NULL && memory != MAP_FAILED, "memory");
  fill(memory, bytes, 1);
  verify(memory, bytes, 1);
  puts("ok");
  return 0;
}
