// hold_locked.c - locks its memory: 32 MiB of which nothing can be reclaimed.
#include <sys/mman.h>
#include <sys/resource.h>

#include "program.h"

int main(int argc, char** argv) {
  const size_t pieces = number_argument(argc, argv, 1, 32);
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &limit);  // root only; else what is allowed must do
  size_t refused = 0;
  for (size_t i = 0; i < pieces; ++i) {
    void* memory = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      require(errno == ENOMEM, "a refusal says ENOMEM");
      ++refused;
      continue;
    }
    if (mlock(memory, MIB) != 0) {
      puts("cannot lock");
      return 77;
    }
    fill(memory, MIB, i);
    verify(memory, MIB, i);
  }
  puts(refused != 0 ? "refused" : "held all");
  return 0;
}
