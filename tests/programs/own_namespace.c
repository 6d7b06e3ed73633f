// own_namespace.c - after growth enters a new user namespace and its own mount namespace, as one thread only may.
#include <fcntl.h>
#include <sched.h>

#include "program.h"

static char* grown(uint64_t seed) {
  char* memory = malloc(40 * MIB);
  require(memory != NULL, "malloc");
  fill(memory, 40 * MIB, seed);
  return memory;
}

int main(void) {
  char* memory = grown(1);
  if (unshare(CLONE_NEWUSER) != 0) {
    if (errno == EPERM || errno == ENOSPC) {
      puts("no user namespaces");
      return 77;
    }
    require(0, "unshare(CLONE_NEWUSER)");
  }
  verify(memory, 40 * MIB, 1);
  char* more = grown(2);
  require(unshare(CLONE_NEWNS) == 0, "unshare(CLONE_NEWNS)");
  const int mounts = open("/proc/self/ns/mnt", O_RDONLY);
  require(mounts >= 0, "open ns/mnt");
  free(memory);
  memory = grown(3);
  require(setns(mounts, CLONE_NEWNS) == 0, "setns");
  verify(more, 40 * MIB, 2);
  verify(memory, 40 * MIB, 3);
  puts("ok");
  return 0;
}
