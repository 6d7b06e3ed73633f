// small_stack.c - threads with the smallest stacks allowed touch fresh memory: who interrupts them must need little.
#include <limits.h>
#include <pthread.h>

#include "program.h"

static char* memory;

static void* grow(void* argument) {
  const uintptr_t part = (uintptr_t)argument;
  fill(memory + part * 10 * MIB, 10 * MIB, part);
  verify(memory + part * 10 * MIB, 10 * MIB, part);
  return NULL;
}

int main(void) {
  pthread_attr_t attributes;
  pthread_t threads[4];
  pthread_attr_init(&attributes);
  require(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0, "stack size");
  memory = malloc(40 * MIB);
  for (uintptr_t i = 0; i < 4; ++i) {
    require(pthread_create(&threads[i], &attributes, grow, (void*)i) == 0, "pthread_create");
  }
  for (int i = 0; i < 4; ++i) {
    pthread_join(threads[i], NULL);
  }
  puts("ok");
  return 0;
}
