// raw_fork.c - forks by the raw system call and by _Fork, which run no atfork handler, while it is large itself; the
// children grow, and leave a namespace, which asks who else runs in their process.
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "program.h"

static void child_grows(pid_t child) {
  require(child >= 0, "fork");
  if (child == 0) {
    require(unshare(CLONE_FILES) == 0, "unshare before anything else");
    const size_t bytes = 24 * MIB;
    char* memory = malloc(bytes);
    require(memory != NULL, "malloc in the child");
    fill(memory, bytes, 5);
    verify(memory, bytes, 5);
    require(unshare(CLONE_FILES) == 0, "unshare");
    _exit(0);
  }
  int status = -1;
  require(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
}

int main(void) {
  const size_t bytes = 24 * MIB;
  char* memory = malloc(bytes);
  fill(memory, bytes, 6);
  child_grows((pid_t)syscall(SYS_fork));
  child_grows(_Fork());
  verify(memory, bytes, 6);
  puts("ok");
  return 0;
}
