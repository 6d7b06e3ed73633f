// c11_threads.c - MIB NAME: a thread of C11's threads.h names itself and makes another; each takes MIB MiB.
#include <sys/prctl.h>
#include <threads.h>

#include "program.h"

enum { kFirst = 3, kOther = 5 };

static size_t bytes;
static const char* name;
static mtx_t lock;
static cnd_t changed;
static int held;
static int over;

static int hold(void* seed) {
  if ((uintptr_t)seed == kOther) {
    prctl(PR_SET_NAME, "other");
  }
  void* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, (uintptr_t)seed);
  mtx_lock(&lock);
  ++held;
  cnd_broadcast(&changed);
  while (!over) {
    cnd_wait(&changed, &lock);
  }
  mtx_unlock(&lock);
  verify(memory, bytes, (uintptr_t)seed);
  free(memory);
  return (int)(uintptr_t)seed;
}

static int hold_with_another(void* seed) {
  thrd_t other;
  int result = 0;
  prctl(PR_SET_NAME, name);
  require(thrd_create(&other, hold, (void*)(uintptr_t)kOther) == thrd_success, "thrd_create");
  const int own = hold(seed);
  require(thrd_join(other, &result) == thrd_success && result == kOther, "thrd_join");
  return own;
}

int main(int argc, char** argv) {
  thrd_t thread;
  int result = 0;
  bytes = number_argument(argc, argv, 1, 20) * MIB;
  name = argc > 2 ? argv[2] : "io_1";
  require(mtx_init(&lock, mtx_plain) == thrd_success && cnd_init(&changed) == thrd_success, "mtx_init");
  require(thrd_create(&thread, hold_with_another, (void*)(uintptr_t)kFirst) == thrd_success, "thrd_create");
  mtx_lock(&lock);
  while (held < 2) {
    cnd_wait(&changed, &lock);
  }
  mtx_unlock(&lock);
  puts("ready");
  fflush(stdout);
  char unused;
  while (read(0, &unused, 1) > 0) {
  }
  mtx_lock(&lock);
  over = 1;
  cnd_broadcast(&changed);
  mtx_unlock(&lock);
  require(thrd_join(thread, &result) == thrd_success && result == kFirst, "thrd_join");
  puts("ok");
  return 0;
}
