// strict_mode.c - grows, then may do no system call but read, write and return from a signal, and works on for a while:
// in the process itself, or in a fork child.
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "program.h"

static int work_strictly(char* memory, size_t bytes) {
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) {
    return 77;
  }
  for (uint64_t turn = 2; turn < 20; ++turn) {
    fill(memory, bytes, turn);
  }
  syscall(SYS_exit, 0);
  return 1;
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 40) * MIB;
  const int here = argc > 2 && strcmp(argv[2], "here") == 0;
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 1);
  const pid_t child = here ? 0 : fork();
  if (child == 0) {
    _exit(work_strictly(memory, bytes));
  }
  int status = -1;
  require(waitpid(child, &status, 0) == child && WIFEXITED(status), "the child was not killed");
  return WEXITSTATUS(status);
}
