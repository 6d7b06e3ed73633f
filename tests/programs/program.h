// program.h - what the programs here share: saying what went wrong, sizes, patterns.
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

// Ends the program with status 1 and the reason unless `holds`.
static inline void require(int holds, const char* what) {
  if (!holds) {
    fprintf(stderr, "FAILED: %s (errno %d)\n", what, errno);
    _exit(1);
  }
}

// The argument at that place, or the default.
static inline size_t number_argument(int argc, char** argv, int place, size_t otherwise) {
  return argc > place ? strtoul(argv[place], NULL, 10) : otherwise;
}

static inline uint64_t word_at(size_t index, uint64_t seed) {
  return (index ^ seed) * 0x9E3779B97F4A7C15ULL;
}

// Fills memory so that no two words are alike; `bytes` is a multiple of 8.
static inline void fill(void* memory, size_t bytes, uint64_t seed) {
  volatile uint64_t* words = memory;
  for (size_t i = 0; i < bytes / 8; ++i) {
    words[i] = word_at(i, seed);
  }
}

// Ends the program unless every word is as fill() left it.
static inline void verify(const void* memory, size_t bytes, uint64_t seed) {
  const uint64_t* words = memory;
  for (size_t i = 0; i < bytes / 8; ++i) {
    if (words[i] != word_at(i, seed)) {
      fprintf(stderr, "FAILED: word %zu is %016llx\n", i, (unsigned long long)words[i]);
      _exit(1);
    }
  }
}

// A number out of /proc/self/status, such as "Threads:"; -1 if it is not there.
static inline long status_number(const char* path, const char* key) {
  char line[256];
  long value = -1;
  FILE* status = fopen(path, "r");
  while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
    if (strncmp(line, key, strlen(key)) == 0) {
      value = strtol(line + strlen(key), NULL, 10);
    }
  }
  if (status != NULL) {
    fclose(status);
  }
  return value;
}
