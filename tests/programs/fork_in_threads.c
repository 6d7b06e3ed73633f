// fork_in_threads.c - forks again and again while other threads allocate and fault.
#include <pthread.h>
#include <sys/wait.h>

#include "program.h"

static volatile int done;

static void* allocate(void* unused) {
  while (!done) {
    char* memory = malloc(MIB);
    require(memory != NULL, "malloc");
    memset(memory, 1, MIB);
    free(memory);
  }
  return unused;
}

int main(int argc, char** argv) {
  const size_t forks = number_argument(argc, argv, 1, 100);
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) {
    require(pthread_create(&threads[i], NULL, allocate, NULL) == 0, "pthread_create");
  }
  for (size_t i = 0; i < forks; ++i) {
    const pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
      char* memory = malloc(MIB);
      memset(memory, 2, MIB);
      _exit(memory[MIB / 2] == 2 ? 0 : 1);
    }
    int status = -1;
    require(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
  }
  done = 1;
  for (int i = 0; i < 3; ++i) {
    pthread_join(threads[i], NULL);
  }
  puts("ok");
  return 0;
}
