// raw_remap.c - moves a mapping in use, and unmaps, by the bare system calls; none of them fails, nothing is lost.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "program.h"

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 40) * MIB;
  const double end = seconds() + 1;
  unsigned random = 1;
  size_t sum = 0;
  unsigned char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  for (size_t at = 0; at < bytes; at += 4096) {
    memory[at] = 1;
    ++sum;
  }
  while (seconds() < end) {
    for (int i = 0; i < 20000; ++i) {  // most of it in a quarter, so that who looks for use finds some
      const size_t within = rand_r(&random) % 10 != 0 ? bytes / 4 : bytes;
      unsigned char* byte = memory + (size_t)rand_r(&random) % within / 4096 * 4096;
      sum += *byte == 255 ? (size_t)-254 : 1;
      *byte = *byte == 255 ? 1 : (unsigned char)(*byte + 1);
    }
    memory = (unsigned char*)syscall(SYS_mremap, memory, bytes, bytes + MIB, MREMAP_MAYMOVE, 0);
    require(memory != MAP_FAILED, "mremap");
    require(syscall(SYS_munmap, memory + bytes, MIB) == 0, "munmap");
  }
  for (size_t at = 0; at < bytes; at += 4096) {
    sum -= memory[at];
  }
  require(sum == 0, "every byte is as it was written");
  require(syscall(SYS_mremap, memory, bytes, 0, 0, 0) == -1 && errno == EINVAL, "EINVAL for nothing");
  require(syscall(SYS_munmap, memory + 1, 4096) == -1 && errno == EINVAL, "EINVAL for half a page");
  puts("ok");
  return 0;
}
