// whole_reads.c - reads of 1 MiB from a socket with MSG_WAITALL into fresh memory stay whole while memory is short.
#include <pthread.h>
#include <sys/socket.h>

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

int main(void) {
  pthread_t sender;
  static char* held[kPieces];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  require(pthread_create(&sender, NULL, send_all, NULL) == 0, "pthread_create");
  for (uint64_t i = 0; i < kPieces; ++i) {
    held[i] = malloc(MIB);
    require(recv(ends[0], held[i], MIB, MSG_WAITALL) == (ssize_t)MIB, "a whole recv");
  }
  pthread_join(sender, NULL);
  for (uint64_t i = 0; i < kPieces; ++i) {
    verify(held[i], MIB, i);
  }
  puts("ok");
  return 0;
}
