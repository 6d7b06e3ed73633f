// lock_on_fault.c - locks memory page by page, as it is touched, and says when it holds all of it.
#include <sys/mman.h>

#include "program.h"

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 24) * MIB;
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  if (mlock2(memory, bytes, MLOCK_ONFAULT) != 0) {
    puts("cannot lock");
    return 77;
  }
  fill(memory, bytes, 3);
  puts("held all");
  return 0;
}
