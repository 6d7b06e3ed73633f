// spawn_actions.c - posix_spawn with file actions in a loop, while the parent grows.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "program.h"

extern char** environ;

static void spawn_echo(int number) {
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  char word[16];
  snprintf(word, sizeof(word), "%d", number);
  char* const argv[] = {"echo", word, NULL};
  pid_t child = -1;
  require(posix_spawn(&child, "/bin/echo", &actions, NULL, argv, environ) == 0, "posix_spawn");
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  char got[64] = {0};
  require(read(ends[0], got, sizeof(got) - 1) > 0 && atoi(got) == number, "echo says the number");
  char more;
  require(read(ends[0], &more, 1) == 0, "and then ends");
  close(ends[0]);
  int status = -1;
  require(waitpid(child, &status, 0) == child && status == 0, "echo ends well");
}

int main(void) {
  enum { kRounds = 48 };
  static char* held[kRounds];
  for (int i = 0; i < kRounds; ++i) {
    held[i] = malloc(MIB);
    fill(held[i], MIB, (uint64_t)i);
    spawn_echo(i);
  }
  for (int i = 0; i < kRounds; ++i) {
    verify(held[i], MIB, (uint64_t)i);
  }
  puts("ok");
  return 0;
}
