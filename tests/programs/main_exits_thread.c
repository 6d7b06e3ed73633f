// main_exits_thread.c - main grows and ends as a thread, in one of three ways, while a worker goes on for a moment: the
// process must end with the worker, as exit(0) would end it. An argument "callback" registers for pressure before.
#include <pthread.h>
#include <threads.h>

#include "preload/weir.h"
#include "program.h"

static void last(void) {
  puts("bye");
}

static void* work(void* main_thread) {
  char* memory = malloc(32 * MIB);
  require(memory != NULL, "malloc");
  if (main_thread != NULL) {
    require(pthread_cancel(*(pthread_t*)main_thread) == 0, "pthread_cancel");
  }
  fill(memory, 32 * MIB, 1);
  verify(memory, 32 * MIB, 1);
  usleep(100000);
  puts("ok");  // into a buffer, unless this is a terminal
  return NULL;
}

static void under_pressure(void* context, uint64_t stall_us) {
  (void)context;
  (void)stall_us;
}

int main(int argc, char** argv) {
  static pthread_t self;
  pthread_t worker;
  const char* way = argc > 1 ? argv[1] : "pthread_exit";
  char* memory = malloc(32 * MIB);
  atexit(last);
  self = pthread_self();
  if (strcmp(way, "callback") == 0 && weir_on_pressure != NULL) {
    require(weir_on_pressure(1000, 1000000, under_pressure, NULL) == 0, "weir_on_pressure");
  } else {
    fill(memory, 32 * MIB, 2);
  }
  const int is_cancelled = strcmp(way, "cancel") == 0;
  require(pthread_create(&worker, NULL, work, is_cancelled ? &self : NULL) == 0, "pthread_create");
  pthread_detach(worker);
  while (is_cancelled) {
    pause();
  }
  if (strcmp(way, "thrd_exit") == 0) {
    thrd_exit(0);
  }
  pthread_exit(NULL);
}
