// data_limit.c - takes memory until its own RLIMIT_DATA refuses more, lives with that, and walks through what it has.
#include <sys/resource.h>

#include "program.h"

enum { PIECE = 65536, MOST = 2048 };

int main(void) {
  const struct rlimit limit = {60 * MIB, 60 * MIB};
  require(setrlimit(RLIMIT_DATA, &limit) == 0, "setrlimit");
  static char* pieces[MOST];
  int count = 0;
  while (count < MOST && (pieces[count] = malloc(PIECE)) != NULL) {
    fill(pieces[count], PIECE, (unsigned)count);
    ++count;
  }
  require(count > 0 && count < MOST, "the limit refuses some");
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < count; ++i) {
      verify(pieces[i], PIECE, (unsigned)i);
    }
  }
  puts("ok");
  return 0;
}
