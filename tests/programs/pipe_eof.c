// pipe_eof.c - after growth, closing the write end of a pipe gives its reader an end of file: nobody else holds it.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#include "program.h"

static int ends[2];

static void* reader(void* unused) {
  char byte;
  require(read(ends[0], &byte, 1) == 1, "one byte");
  struct pollfd ready = {.fd = ends[0], .events = POLLIN};
  require(poll(&ready, 1, 5000) == 1, "the end within five seconds");
  require(read(ends[0], &byte, 1) == 0, "an end of file");
  return unused;
}

int main(void) {
  require(pipe(ends) == 0, "pipe");
  char* memory = malloc(48 * MIB);
  fill(memory, 48 * MIB, 1);
  pthread_t thread;
  require(pthread_create(&thread, NULL, reader, NULL) == 0, "pthread_create");
  require(write(ends[1], "x", 1) == 1, "write");
  close_range((unsigned)ends[1], (unsigned)ends[1], 0);
  pthread_join(thread, NULL);
  verify(memory, 48 * MIB, 1);
  puts("ok");
  return 0;
}
