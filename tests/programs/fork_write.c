// fork_write.c - a fork child writes to all that it has inherited, and allocates nothing; both hold what is theirs
// then.
#include <sys/wait.h>

#include "program.h"

static void child_writes(char* memory, size_t bytes, int done, int goes_on) {
  char unused = 0;
  fill(memory, bytes, 2);
  require(write(done, "", 1) == 1, "the parent is told");
  while (read(goes_on, &unused, 1) > 0) {
  }
  verify(memory, bytes, 2);
  _exit(0);
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 24) * MIB;
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 1);
  int done[2];
  int goes_on[2];
  require(pipe(done) == 0 && pipe(goes_on) == 0, "pipe");
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    close(goes_on[1]);
    child_writes(memory, bytes, done[1], goes_on[0]);
  }
  char unused;
  require(read(done[0], &unused, 1) == 1, "the child has written");
  puts("ready");
  fflush(stdout);
  while (read(0, &unused, 1) > 0) {
  }
  close(goes_on[1]);
  int status = -1;
  require(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
  verify(memory, bytes, 1);
  puts("ok");
  return 0;
}
