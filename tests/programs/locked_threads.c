// locked_threads.c - threads by the names given, one every three seconds, each of which locks and touches 24 MiB.
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "program.h"

static void* grow(void* name) {
  const size_t bytes = 24 * MIB;
  pthread_setname_np(pthread_self(), name);
  puts(name);
  fflush(stdout);
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  if (mlock2(memory, bytes, MLOCK_ONFAULT) != 0) {
    puts("cannot lock");
    exit(77);
  }
  fill(memory, bytes, 3);
  return NULL;
}

int main(int argc, char** argv) {
  pthread_t thread;
  for (int i = 1; i < argc; ++i) {
    sleep(i > 1 ? 3 : 0);
    require(pthread_create(&thread, NULL, grow, argv[i]) == 0, "pthread_create");
  }
  pthread_join(thread, NULL);
  puts("held all");
  return 0;
}
