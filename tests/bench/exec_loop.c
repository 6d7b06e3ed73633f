// exec_loop.c - starts a program N times, one after the other, and prints the nanoseconds that each took.
//
// Usage: exec_loop N PROGRAM [NAME=VALUE...]; the variables are for the program only, not for this one.
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char** environ;

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: exec_loop N PROGRAM [NAME=VALUE...]\n");
    return 2;
  }
  const long count = strtol(argv[1], NULL, 10);
  for (int i = 3; i < argc; ++i) {
    putenv(argv[i]);
  }
  char* const words[] = {argv[2], NULL};
  const long long began = now_ns();
  for (long i = 0; i < count; ++i) {
    pid_t child = 0;
    int status = -1;
    const int error = posix_spawn(&child, argv[2], NULL, NULL, words, environ);
    if (error != 0 || waitpid(child, &status, 0) != child || status != 0) {
      fprintf(stderr, "exec_loop: %s ends with status %d (%s)\n", argv[2], status, strerror(error));
      return 1;
    }
  }
  printf("%lld\n", (now_ns() - began) / count);
  return 0;
}
