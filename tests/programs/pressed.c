// pressed.c - MIB ROUNDS: walks ROUNDS times over MIB MiB while it listens by weir.h for pressure, and counts.
//
// Prints how often it was told, and what the wrong registrations gave. With 0 rounds it sleeps for a second instead.
#include <pthread.h>

#include "preload/weir.h"
#include "program.h"

static volatile unsigned told;
static volatile uint64_t longest_us;

static void on_pressure(void* context, uint64_t stalled_us) {
  *(volatile unsigned*)context += 1;
  longest_us = stalled_us > longest_us ? stalled_us : longest_us;
}

int main(int argc, char** argv) {
  if (argc != 3)
    return 2;
  if (weir_on_pressure == NULL) {
    puts("alone");
    return 0;
  }
  const size_t bytes = (size_t)atoi(argv[1]) * MIB;
  require(weir_on_pressure(1000, 400000, on_pressure, (void*)&told) == EINVAL, "windows are 0.5 s at least");
  require(weir_on_pressure(0, 500000, on_pressure, (void*)&told) == EINVAL, "no stall is none");
  require(weir_on_pressure(600000, 500000, on_pressure, (void*)&told) == EINVAL, "a stall fits into its window");
  require(weir_on_pressure(20000, 500000, on_pressure, (void*)&told) == 0, "registered");
  char* memory = malloc(bytes);
  for (int round = 0; round < atoi(argv[2]); ++round)
    for (size_t at = 0; at < bytes; at += 4096)
      memory[at] += 1;
  usleep(1200000);
  const unsigned before = told;
  require(weir_on_pressure(0, 0, NULL, NULL) == 0, "no more");
  printf("told %u longest %llu\n", before, (unsigned long long)longest_us);
  return 0;
}
