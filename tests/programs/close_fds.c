// close_fds.c - a thread closes every descriptor again and again and reuses the numbers, while main grows: nothing but
// this program may write to its files or take its numbers.
#include <fcntl.h>
#include <pthread.h>

#include "program.h"

static volatile int done;

static void check_numbers(void) {
  int fds[8];
  char name[64];
  for (int i = 0; i < 8; ++i) {
    snprintf(name, sizeof(name), "/tmp/close_fds.%d.%d", getpid(), i);
    fds[i] = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink(name);
    require(fds[i] == 3 + i, "the lowest free number");
    require(write(fds[i], "pattern", 7) == 7, "write");
  }
  for (int i = 0; i < 8; ++i) {
    char got[16] = {0};
    require(pread(fds[i], got, sizeof(got), 0) == 7 && memcmp(got, "pattern", 7) == 0, "the file holds what we wrote");
  }
}

static void* close_all(void* unused) {
  while (!done) {
    closefrom(3);
    check_numbers();
  }
  return unused;
}

int main(void) {
  pthread_t closer;
  require(pthread_create(&closer, NULL, close_all, NULL) == 0, "pthread_create");
  for (uint64_t round = 0; round < 8; ++round) {
    char* memory = malloc(24 * MIB);
    fill(memory, 24 * MIB, round);
    verify(memory, 24 * MIB, round);
    free(memory);
  }
  done = 1;
  pthread_join(closer, NULL);
  puts("ok");
  return 0;
}
