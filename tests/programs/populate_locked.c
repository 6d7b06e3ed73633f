// populate_locked.c - takes locked memory within one system call, touches nothing else, and sleeps.
#include <sys/mman.h>

#include "program.h"

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 24) * MIB;
  const unsigned seconds = (unsigned)number_argument(argc, argv, 2, 0);
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED;
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) {
    puts("may not lock");
    return 0;
  }
  sleep(seconds);
  memory[0] = 1;
  puts("ok");
  return 0;
}
