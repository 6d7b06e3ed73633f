// daemon_twice.c - the classic double fork: the daemon grows, and tells the one who waits on a pipe.
#include <sys/wait.h>

#include "program.h"

static void be_daemon(int report, size_t bytes) {
  require(setsid() >= 0 && chdir("/") == 0, "setsid and chdir");
  if (fork() != 0) {
    _exit(0);
  }
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc in the daemon");
  fill(memory, bytes, 8);
  verify(memory, bytes, 8);
  _exit(write(report, "grown", 5) == 5 ? 0 : 1);
}

int main(int argc, char** argv) {
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  const pid_t first = fork();
  if (first == 0) {
    close(ends[0]);
    be_daemon(ends[1], number_argument(argc, argv, 1, 40) * MIB);
  }
  close(ends[1]);
  int status = -1;
  require(waitpid(first, &status, 0) == first && status == 0, "the middle one ends well");
  char got[16] = {0};
  require(read(ends[0], got, sizeof(got) - 1) == 5 && strcmp(got, "grown") == 0, "the daemon reports");
  require(read(ends[0], got, 1) == 0, "and leaves nobody with the pipe open");
  puts("ok");
  return 0;
}
