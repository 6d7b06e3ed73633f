// malloc_api.c - every function of glibc's malloc interface, each block usable, resizable and freed by free.
#include <dlfcn.h>
#include <malloc.h>

#include "program.h"

enum { kSize = 5000 };

static void* by_malloc(void) {
  return malloc(kSize);
}
static void* by_calloc(void) {
  return calloc(50, kSize / 50);
}
static void* by_realloc(void) {
  return realloc(malloc(10), kSize);
}
static void* by_reallocarray(void) {
  return reallocarray(malloc(10), 50, kSize / 50);
}
static void* by_aligned_alloc(void) {
  return aligned_alloc(4096, 8192);
}
static void* by_posix_memalign(void) {
  void* memory = NULL;
  require(posix_memalign(&memory, 4096, kSize) == 0, "posix_memalign");
  return memory;
}
static void* by_memalign(void) {
  return memalign(4096, kSize);
}
static void* by_valloc(void) {
  return valloc(kSize);
}
static void* by_pvalloc(void) {
  return pvalloc(kSize);
}
static void* by_strdup(void) {
  char text[kSize + 1];
  memset(text, 'x', kSize);
  text[kSize] = '\0';
  return strdup(text);
}

static const struct {
  const char* name;
  void* (*allocate)(void);
  size_t alignment;
} kTable[] = {
    {"malloc", by_malloc, 16},
    {"calloc", by_calloc, 16},
    {"realloc", by_realloc, 16},
    {"reallocarray", by_reallocarray, 16},
    {"aligned_alloc", by_aligned_alloc, 4096},
    {"posix_memalign", by_posix_memalign, 4096},
    {"memalign", by_memalign, 4096},
    {"valloc", by_valloc, 4096},
    {"pvalloc", by_pvalloc, 4096},
    {"strdup", by_strdup, 16},
};

static void try_row(size_t row) {
  char* memory = kTable[row].allocate();
  require(memory != NULL && (uintptr_t)memory % kTable[row].alignment == 0, kTable[row].name);
  require(malloc_usable_size(memory) >= kSize, kTable[row].name);
  fill(memory, kSize / 8 * 8, row);
  memory = realloc(memory, (size_t)kSize * 4);
  require(memory != NULL, kTable[row].name);
  verify(memory, kSize / 8 * 8, row);
  free(memory);
  printf("%s\n", kTable[row].name);
}

int main(void) {
  for (size_t row = 0; row < sizeof(kTable) / sizeof(kTable[0]); ++row) {
    try_row(row);
  }
  // A size the compiler cannot see, lest it warn of the very overflow we try.
  volatile size_t huge = SIZE_MAX / 2;
  errno = 0;
  require(reallocarray(NULL, huge, 4) == NULL && errno == ENOMEM, "reallocarray refuses an overflow");
  errno = 0;
  require(calloc(huge, 4) == NULL && errno == ENOMEM, "calloc refuses an overflow");
  require(malloc_usable_size(NULL) == 0, "malloc_usable_size of nothing");
  void* held = malloc(8 * MIB);
  memset(held, 1, 8 * MIB);
  const struct mallinfo2 info = mallinfo2();
  require(info.uordblks + info.hblkhd >= 8 * MIB, "mallinfo2 knows of 8 MiB in use");
  free(held);
  require(mallopt(M_MMAP_THRESHOLD, 65536) == 1, "mallopt");
  malloc_trim(0);
  void (*old_free)(void*) = (void (*)(void*))dlsym(RTLD_DEFAULT, "cfree");
  if (old_free != NULL) {
    old_free(malloc(100));
  }
  free(NULL);
  puts("ok");
  return 0;
}
