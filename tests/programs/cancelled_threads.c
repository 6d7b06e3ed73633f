// cancelled_threads.c - threads cancelled while they touch fresh memory, asynchronously and at a cancellation point.
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "program.h"

static char* memory;

static void* touch_for_ever(void* asynchronous) {
  int old;
  pthread_setcanceltype(asynchronous != NULL ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, &old);
  for (uint64_t round = 0;; ++round) {
    fill(memory, 32 * MIB, round);
    pthread_testcancel();
  }
  return NULL;
}

int main(void) {
  memory = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  for (int i = 0; i < 40; ++i) {
    pthread_t thread;
    void* result = NULL;
    require(pthread_create(&thread, NULL, touch_for_ever, i % 2 != 0 ? &memory : NULL) == 0, "pthread_create");
    const struct timespec moment = {0, (i % 7) * 1000000L};
    nanosleep(&moment, NULL);
    require(pthread_cancel(thread) == 0, "pthread_cancel");
    require(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED, "cancelled");
  }
  fill(memory, 32 * MIB, 1);
  verify(memory, 32 * MIB, 1);
  puts("ok");
  return 0;
}
