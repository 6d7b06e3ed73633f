// own_malloc.c - a program that brings its own malloc, one arena taken at the start, fills all of it and reads it back.
#include <sys/mman.h>

#include "program.h"

static char* arena;
static size_t used;
static size_t arena_bytes;

void* malloc(size_t bytes) {
  const size_t aligned = (bytes + 15) & ~(size_t)15;
  if (arena == NULL) {
    arena_bytes = 160 * MIB;
    arena = mmap(NULL, arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (arena == MAP_FAILED || aligned > arena_bytes - used) {
    return NULL;
  }
  used += aligned;
  return arena + used - aligned;
}

void free(void* memory) {
  (void)memory;
}

void* calloc(size_t count, size_t bytes) {
  return malloc(count * bytes);  // fresh pages are zero
}

void* realloc(void* memory, size_t bytes) {
  char* const fresh = malloc(bytes);
  if (fresh != NULL && memory != NULL) {
    const size_t room = (size_t)(fresh - (char*)memory);
    memcpy(fresh, memory, bytes < room ? bytes : room);
  }
  return fresh;
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 48) * MIB;
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 1);
  verify(memory, bytes, 1);
  puts("ok");
  return 0;
}
