// hold_on_order.c - memory that is filled, and then touched or paged out by hand whenever standard input asks for it.
//
// hold_on_order MIB; a line "touch" makes all of it resident, "out MIB" pages that much out, in one call by the only
// thread. Each is answered by a line: the milliseconds it took.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void touch(volatile char* memory, size_t bytes) {
  for (size_t at = 0; at < bytes; at += 4096) {
    memory[at] = (char)(memory[at] + 1);
  }
}

int main(int argc, char** argv) {
  const size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1) << 20;
  char* const memory = aligned_alloc(4096, bytes);
  if (memory == NULL) {
    return 1;
  }
  uint64_t* const words = (uint64_t*)memory;
  for (size_t i = 0; i < bytes / sizeof(*words); ++i) {
    words[i] = i % 2 == 0 ? i * 0x9e3779b97f4a7c15U : 0;
  }
  puts("0");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof(line), stdin) != NULL) {
    const double began = now_ms();
    unsigned long mib = 0;
    if (strcmp(line, "touch\n") == 0) {
      touch(memory, bytes);
    } else if (sscanf(line, "out %lu", &mib) == 1 && mib << 20 <= bytes) {
      madvise(memory, mib << 20, MADV_PAGEOUT);
    } else {
      fprintf(stderr, "hold_on_order: %s", line);
      return 2;
    }
    printf("%.3f\n", now_ms() - began);
    fflush(stdout);
  }
  free(memory);
  return 0;
}
