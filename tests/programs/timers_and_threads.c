// timers_and_threads.c - short-lived threads, C11 threads, SIGEV_THREAD timers and thread-specific destructors, all
// allocating.
#include <pthread.h>
#include <signal.h>
#include <threads.h>
#include <time.h>

#include "program.h"

static pthread_key_t key;
static volatile int ticks;

static void* short_life(void* unused) {
  pthread_setspecific(key, malloc(1000));
  return unused;
}

static int c11_life(void* unused) {
  free(malloc(100000));
  return unused == NULL ? 7 : 0;
}

static void on_tick(union sigval value) {
  free(malloc((size_t)value.sival_int));
  ++ticks;
}

int main(void) {
  require(pthread_key_create(&key, free) == 0, "pthread_key_create");
  char* memory = malloc(48 * MIB);
  fill(memory, 48 * MIB, 1);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 5000};
  event.sigev_notify_function = on_tick;
  timer_t timer;
  require(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
  const struct itimerspec often = {{0, 2000000}, {0, 2000000}};
  require(timer_settime(timer, 0, &often, NULL) == 0, "timer_settime");
  for (int i = 0; i < 500; ++i) {
    pthread_t thread;
    thrd_t c11;
    int result = 0;
    require(pthread_create(&thread, NULL, short_life, NULL) == 0, "pthread_create");
    require(thrd_create(&c11, c11_life, NULL) == thrd_success, "thrd_create");
    pthread_join(thread, NULL);
    require(thrd_join(c11, &result) == thrd_success && result == 7, "thrd_join");
  }
  while (ticks < 5) {
    usleep(1000);
  }
  timer_delete(timer);
  verify(memory, 48 * MIB, 1);
  puts("ok");
  return 0;
}
