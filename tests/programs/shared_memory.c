// shared_memory.c - memory shared with a child by MAP_SHARED: both see the other's writes while both run out of room.
#include <sys/mman.h>
#include <sys/wait.h>

#include "program.h"

int main(void) {
  const size_t bytes = 24 * MIB;
  char* shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(shared != MAP_FAILED, "mmap");
  char* own = malloc(bytes);
  fill(own, bytes, 1);
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    fill(own, bytes, 2);
    fill(shared, bytes, 3);
    verify(own, bytes, 2);
    _exit(0);
  }
  int status = -1;
  require(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
  verify(shared, bytes, 3);
  verify(own, bytes, 1);
  puts("ok");
  return 0;
}
