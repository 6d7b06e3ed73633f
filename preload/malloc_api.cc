// malloc_api.cc - the parts of glibc's malloc interface that jemalloc 5.3 does not have.
//
// Left out, each would act on glibc's own heap with our pointers, and crash.
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "preload/jemalloc.h"

#define WEIR_EXPORT [[gnu::visibility("default")]]

extern "C" {

int mallctl(const char* name, void* old_value, size_t* old_length, void* new_value, size_t new_length);
void sdallocx(void* memory, size_t size, int flags);

namespace {

constexpr size_t kPage = 4096;

size_t statistic(const char* name) {
  size_t value = 0;
  size_t length = sizeof(value);
  return mallctl(name, &value, &length, nullptr, 0) == 0 ? value : 0;
}

void refresh_statistics() {
  uint64_t epoch = 1;
  size_t length = sizeof(epoch);
  mallctl("epoch", &epoch, &length, &epoch, length);
}

}  // namespace

WEIR_EXPORT void* pvalloc(size_t size) {
  if (size > SIZE_MAX - kPage) {
    errno = ENOMEM;
    return nullptr;
  }
  return memalign(kPage, (size + kPage - 1) & ~(kPage - 1));
}

WEIR_EXPORT void* reallocarray(void* memory, size_t count, size_t size) noexcept {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(memory, bytes);
}

WEIR_EXPORT void cfree(void* memory) {
  free(memory);
}

WEIR_EXPORT void free_sized(void* memory, size_t) {
  free(memory);
}
WEIR_EXPORT void free_aligned_sized(void* memory, size_t, size_t) {
  free(memory);
}

// 1, "memory was released", as far as anybody can tell.
WEIR_EXPORT int malloc_trim(size_t) noexcept {
  weir::purge_allocator();
  return 1;
}

WEIR_EXPORT int mallopt(int, int) noexcept {
  return 1;
}

WEIR_EXPORT struct mallinfo2 mallinfo2() noexcept {
  refresh_statistics();
  struct mallinfo2 info = {};
  info.arena = statistic("stats.mapped");
  info.uordblks = statistic("stats.allocated");
  info.fordblks = info.arena > info.uordblks ? info.arena - info.uordblks : 0;
  info.keepcost = statistic("stats.retained");
  return info;
}

// The old one counts in int and says itself that it wraps around.
WEIR_EXPORT struct mallinfo mallinfo() noexcept {
  const struct mallinfo2 wide = mallinfo2();
  struct mallinfo info = {};
  info.arena = static_cast<int>(wide.arena);
  info.uordblks = static_cast<int>(wide.uordblks);
  info.fordblks = static_cast<int>(wide.fordblks);
  info.keepcost = static_cast<int>(wide.keepcost);
  return info;
}

WEIR_EXPORT void malloc_stats() noexcept {
  void malloc_stats_print(void (*write)(void*, const char*), void* argument, const char* options);
  malloc_stats_print(nullptr, nullptr, nullptr);
}
}
