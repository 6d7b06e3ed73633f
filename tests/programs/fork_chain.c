// fork_chain.c - many generations: each grows, forks the next one and is gone.
#include <sys/mman.h>
#include <sys/wait.h>

#include "program.h"

static void grow_for_a_while(size_t bytes, uint64_t seed) {
  void* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  fill(memory, bytes, seed);
  usleep(5000);
  verify(memory, bytes, seed);
  require(munmap(memory, bytes) == 0, "munmap");
}

static void live_on(int report, size_t generations, size_t bytes) {
  for (size_t left = generations; left != 0; --left) {
    grow_for_a_while(bytes, left);
    const pid_t next = fork();
    require(next >= 0, "fork");
    if (next != 0) {
      _exit(0);
    }
  }
  _exit(write(report, "last", 4) == 4 ? 0 : 1);
}

int main(int argc, char** argv) {
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  const pid_t first = fork();
  if (first == 0) {
    close(ends[0]);
    live_on(ends[1], number_argument(argc, argv, 1, 8), number_argument(argc, argv, 2, 20) * MIB);
  }
  close(ends[1]);
  int status = -1;
  require(waitpid(first, &status, 0) == first && status == 0, "the first one ends well");
  char got[16] = {0};
  require(read(ends[0], got, sizeof(got) - 1) == 4 && strcmp(got, "last") == 0, "the last one reports");
  puts("ok");
  return 0;
}
