// enomem_beside.c - holds much of its limit, with another thread beside, and asks for as much again: there is room once
// the first has been paged out.
#include <pthread.h>

#include "program.h"

static void* rest(void* unused) {
  pause();
  return unused;
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 10) * MIB;
  pthread_t thread;
  require(pthread_create(&thread, NULL, rest, NULL) == 0, "pthread_create");
  char* first = malloc(bytes);
  require(first != NULL, "the first malloc");
  fill(first, bytes, 3);
  for (int turn = 0; turn < 4; ++turn) {
    char* second = malloc(bytes);
    require(second != NULL, "as much again");
    fill(second, bytes, 5);
    verify(second, bytes, 5);
    free(second);
  }
  verify(first, bytes, 3);
  puts("ok");
  return 0;
}
