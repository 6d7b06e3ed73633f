// main_exits_thread.c - main grows and ends by pthread_exit while a worker goes on for a moment: the process must end.
#include <pthread.h>

#include "program.h"

static void* work(void* argument) {
  char* memory = malloc(32 * MIB);
  require(memory != NULL, "malloc");
  fill(memory, 32 * MIB, 1);
  verify(memory, 32 * MIB, 1);
  puts("ok");
  fflush(stdout);
  return argument;
}

int main(void) {
  pthread_t worker;
  char* memory = malloc(32 * MIB);
  fill(memory, 32 * MIB, 2);
  require(pthread_create(&worker, NULL, work, NULL) == 0, "pthread_create");
  pthread_detach(worker);
  pthread_exit(NULL);
}
