// jemalloc_api.c - jemalloc's own interface, looked up at run time: all of it or, without it, none.
#include <dlfcn.h>
#include <stdbool.h>

#include "program.h"

static size_t printed;

static void count_text(void* unused, const char* text) {
  (void)unused;
  printed += strlen(text);
}

static void* find(const char* name) {
  void* symbol = dlsym(RTLD_DEFAULT, name);
  if (symbol == NULL) {
    printf("no %s\n", name);
    exit(77);
  }
  return symbol;
}

static void try_blocks(void) {
  void* (*mallocx)(size_t, int) = (void* (*)(size_t, int))find("mallocx");
  void* (*rallocx)(void*, size_t, int) = (void* (*)(void*, size_t, int))find("rallocx");
  size_t (*xallocx)(void*, size_t, size_t, int) = (size_t(*)(void*, size_t, size_t, int))find("xallocx");
  size_t (*sallocx)(const void*, int) = (size_t(*)(const void*, int))find("sallocx");
  void (*dallocx)(void*, int) = (void (*)(void*, int))find("dallocx");
  void (*sdallocx)(void*, size_t, int) = (void (*)(void*, size_t, int))find("sdallocx");
  size_t (*nallocx)(size_t, int) = (size_t(*)(size_t, int))find("nallocx");
  void* memory = mallocx(1000, 12);  // 12: aligned to 1 << 12
  require(memory != NULL && (uintptr_t)memory % 4096 == 0, "mallocx");
  require(sallocx(memory, 0) >= 1000 && nallocx(1000, 12) == sallocx(memory, 12), "sallocx and nallocx");
  fill(memory, 1000, 1);
  memory = rallocx(memory, 100000, 0);
  require(memory != NULL && xallocx(memory, 100000, 0, 0) >= 100000, "rallocx and xallocx");
  verify(memory, 1000, 1);
  dallocx(memory, 0);
  memory = malloc(3000);
  sdallocx(memory, 3000, 0);
  memory = mallocx(3000, 0);
  free(memory);
}

static void try_control(void) {
  int (*mallctl)(const char*, void*, size_t*, void*, size_t) =
      (int (*)(const char*, void*, size_t*, void*, size_t))find("mallctl");
  int (*nametomib)(const char*, size_t*, size_t*) = (int (*)(const char*, size_t*, size_t*))find("mallctlnametomib");
  int (*bymib)(const size_t*, size_t, void*, size_t*, void*, size_t) =
      (int (*)(const size_t*, size_t, void*, size_t*, void*, size_t))find("mallctlbymib");
  char* held = malloc(10 * MIB);
  memset(held, 1, 10 * MIB);
  uint64_t epoch = 1;
  size_t allocated = 0, length = sizeof(allocated), mib[4], miblen = 4;
  require(mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)) == 0, "mallctl epoch");
  require(nametomib("stats.allocated", mib, &miblen) == 0, "mallctlnametomib");
  require(bymib(mib, miblen, &allocated, &length, NULL, 0) == 0, "mallctlbymib");
  require(allocated >= 10 * MIB, "it is the allocator behind malloc");
  free(held);
}

int main(void) {
  try_blocks();
  try_control();
  void (*print)(void (*)(void*, const char*), void*, const char*) =
      (void (*)(void (*)(void*, const char*), void*, const char*))find("malloc_stats_print");
  print(count_text, NULL, "gma");
  require(printed > 100, "malloc_stats_print");
  puts("ok");
  return 0;
}
