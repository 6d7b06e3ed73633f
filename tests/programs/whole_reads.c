// whole_reads.c - reads of 1 MiB from a socket with MSG_WAITALL into fresh memory stay whole while memory is short.
//
// By the only thread of a process, and beside one that sends: what is short of memory treats them differently.
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

enum { kPieces = 48 };

static int ends[2];

static void* send_all(void* unused) {
  char* piece = malloc(MIB);
  for (uint64_t i = 0; i < kPieces; ++i) {
    fill(piece, MIB, i);
    for (size_t sent = 0; sent < MIB;) {
      const ssize_t now = write(ends[1], piece + sent, MIB - sent);
      require(now > 0, "write");
      sent += (size_t)now;
    }
  }
  free(piece);
  return unused;
}

static void receive_all(void) {
  static char* held[kPieces];
  for (uint64_t i = 0; i < kPieces; ++i) {
    held[i] = malloc(MIB);
    require(recv(ends[0], held[i], MIB, MSG_WAITALL) == (ssize_t)MIB, "a whole recv");
  }
  for (uint64_t i = 0; i < kPieces; ++i) {
    verify(held[i], MIB, i);
  }
}

// In a process of its own, whose memory is all fresh.
static void apart(void (*work)(void)) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  require(waitpid(child, &status, 0) == child && status == 0, "one process of two");
}

static void send_to_parent(void) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    send_all(NULL);
    _exit(0);
  }
  receive_all();
  require(waitpid(child, NULL, 0) == child, "waitpid");
}

static void send_to_thread(void) {
  pthread_t sender;
  require(pthread_create(&sender, NULL, send_all, NULL) == 0, "pthread_create");
  receive_all();
  pthread_join(sender, NULL);
}

int main(void) {
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  apart(send_to_parent);
  apart(send_to_thread);
  puts("ok");
  return 0;
}
