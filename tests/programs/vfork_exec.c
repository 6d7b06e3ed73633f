// vfork_exec.c - a loop of vfork and exec while the parent holds memory beyond its limit.
#include <sys/wait.h>

#include "program.h"

// Apart, so that nothing of the caller lives in registers over the vfork.
static __attribute__((noinline)) void spawn_true(void) {
  const pid_t child = vfork();
  require(child >= 0, "vfork");
  if (child == 0) {
    execl("/bin/true", "true", (char*)NULL);
    _exit(127);
  }
  int status = -1;
  require(waitpid(child, &status, 0) == child && status == 0, "true ends well");
}

int main(int argc, char** argv) {
  const size_t rounds = number_argument(argc, argv, 1, 100);
  const size_t bytes = number_argument(argc, argv, 2, 32) * MIB;
  char* memory = malloc(bytes);
  fill(memory, bytes, 4);
  for (size_t i = 0; i < rounds; ++i) {
    spawn_true();
    fill(memory + (i % (bytes / MIB)) * MIB, MIB, i);
    verify(memory + (i % (bytes / MIB)) * MIB, MIB, i);
  }
  puts("ok");
  return 0;
}
