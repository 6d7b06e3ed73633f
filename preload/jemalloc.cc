// jemalloc.cc - how jemalloc is tied in: its settings, its kernel calls, its two slow paths.
//
// malloc is jemalloc's own function. The linker (--wrap) redirects only what jemalloc calls
// rarely: its mmap family (so that it does not meet our exported ones), je_pa_alloc (a new
// extent: growth, no core lock held, and a null answer is a clean ENOMEM), and
// je_te_event_trigger (every 64 KiB a thread has allocated, no lock held: a safe point).
// Extent hooks were refused: they miss base metadata, later arenas and large allocations.
#include "preload/jemalloc.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "core/raw_syscall.h"
#include "core/text.h"
#include "preload/growth.h"
#include "preload/huge_regions.h"
#include "preload/mapping_owners.h"
#include "preload/process.h"

extern "C" {

// muzzy pages would be free to the program and resident to the kernel. WEIR's own purges by
// amount come on top of jemalloc's decay by time.
[[gnu::visibility("hidden")]] const char* malloc_conf = "muzzy_decay_ms:0";

int mallctl(const char* name, void* old_value, size_t* old_length, void* new_value, size_t new_length);

void* __real_je_pa_alloc(void* tsdn, void* shard, size_t size, size_t alignment, bool slab, unsigned size_class,
                         bool zero, bool guarded, bool* deferred_work);
void __real_je_te_event_trigger(void* tsd, void* context);

// edata_t begins with its bits and then its address (jemalloc 5.3, include/jemalloc/internal/edata.h).
static std::uintptr_t address_of(const void* extent) {
  return static_cast<const std::uintptr_t*>(extent)[1];
}

[[gnu::visibility("hidden")]] void* __wrap_je_pa_alloc(void* tsdn, void* shard, size_t size, size_t alignment,
                                                       bool slab, unsigned size_class, bool zero, bool guarded,
                                                       bool* deferred_work) {
  if (!weir::on_growth(size, true, true)) [[unlikely]] {
    return nullptr;
  }
  void* const extent = __real_je_pa_alloc(tsdn, shard, size, alignment, slab, size_class, zero, guarded, deferred_work);
  if (extent != nullptr) {
    weir::on_huge_units(weir::enter_units(address_of(extent), size));
  }
  return extent;
}

[[gnu::visibility("hidden")]] void __wrap_je_te_event_trigger(void* tsd, void* context) {
  __real_je_te_event_trigger(tsd, context);
  // te_ctx_t begins with is_alloc. A free may come from libc with its thread-stack lock held,
  // under which pthread_create would wait for itself.
  if (*static_cast<const bool*>(context)) {
    weir::on_safe_point();
  }
}

// jemalloc fills the head of its first metadata block before the program's first instruction:
// some twenty faults, which one call makes one of. Without the call (Linux < 5.14) they happen.
static void prefault_first_block(long address, size_t bytes) {
  constexpr size_t kBlock = size_t{2} << 20;
  constexpr long kTouchedAtStart = 92 << 10;
  static constinit bool done = false;
  if (!done && bytes == kBlock) {
    done = true;
    weir::raw_syscall(SYS_madvise, address, kTouchedAtStart, 23 /* MADV_POPULATE_WRITE */);
  }
}

[[gnu::visibility("hidden")]] void* __wrap_mmap(void* address, size_t bytes, int protection, int flags, int fd,
                                                off_t offset) {
  const long raw =
      weir::raw_syscall(SYS_mmap, weir::sys_arg(address), static_cast<long>(bytes), protection, flags, fd, offset);
  if (raw < 0 && raw > -4096) {
    errno = static_cast<int>(-raw);
    return MAP_FAILED;
  }
  prefault_first_block(raw, bytes);
  weir::offer_huge_pages(static_cast<std::uintptr_t>(raw), bytes);
  weir::disown_mapping(reinterpret_cast<void*>(raw), bytes);  // the place may have been a group's
  return reinterpret_cast<void*>(raw);
}

static int result_of(long raw) {
  if (raw < 0) {
    errno = static_cast<int>(-raw);
    return -1;
  }
  return 0;
}
[[gnu::visibility("hidden")]] int __wrap_munmap(void* address, size_t bytes) {
  return result_of(weir::raw_syscall(SYS_munmap, weir::sys_arg(address), static_cast<long>(bytes)));
}
[[gnu::visibility("hidden")]] int __wrap_madvise(void* address, size_t bytes, int advice) {
  if (advice == MADV_DONTNEED) {
    weir::leave_units(reinterpret_cast<std::uintptr_t>(address), bytes);
  }
  return result_of(weir::raw_syscall(SYS_madvise, weir::sys_arg(address), static_cast<long>(bytes), advice));
}
[[gnu::visibility("hidden")]] int __wrap_mprotect(void* address, size_t bytes, int protection) {
  return result_of(weir::raw_syscall(SYS_mprotect, weir::sys_arg(address), static_cast<long>(bytes), protection));
}
// No program break: everything jemalloc has is then in mappings of its own.
[[gnu::visibility("hidden")]] void* __wrap_sbrk(intptr_t) {
  errno = ENOMEM;
  return reinterpret_cast<void*>(-1);
}
}

namespace weir {

// A thread's first call makes its cache, and an arena where its turn has come for a new one. Where there is no memory
// for that (RLIMIT_DATA, RLIMIT_AS), jemalloc 5.3 takes the arena for granted (tcache_arena_associate). True: it may
// call.
static bool may_call_here() {
  constexpr std::size_t kArena = 16 * kMiB;
  [[gnu::tls_model("initial-exec")]] static constinit thread_local bool known = false;
  if (!known) {
    if (const MapResult room = raw_os().map_anonymous(kArena); room.ok()) {
      known = raw_os().unmap(room.address, kArena).ok();
    }
  }
  return known;
}

static void command(const char* name) {
  if (may_call_here()) {
    static_cast<void>(mallctl(name, nullptr, nullptr, nullptr, 0));
  }
}

// 4096 is MALLCTL_ARENAS_ALL.
void purge_allocator() {
  command("arena.4096.purge");
}
void decay_allocator() {
  command("arena.4096.decay");
}

// They have an arena of their own, made when the first is taken, behind those that threads are given.
bool keep_large_blocks(bool keep) {
  constexpr ssize_t kNever = -1;
  constexpr ssize_t kAtOnce = 0;
  unsigned arena = 0;
  std::size_t length = sizeof(arena);
  TextBuffer<64> name;
  if (!may_call_here() || mallctl("opt.narenas", &arena, &length, nullptr, 0) != 0) {
    return false;
  }
  name.add("arena.").add_number(arena).add(".dirty_decay_ms");
  ssize_t decay = keep ? kNever : kAtOnce;
  return mallctl(name.c_str(), nullptr, nullptr, &decay, sizeof(decay)) == 0;
}

std::uint64_t freed_by_thread(bool may_ask) {
  [[gnu::tls_model("initial-exec")]] static constinit thread_local const std::uint64_t* counter = nullptr;
  if (counter == nullptr && may_ask && may_call_here()) {
    std::size_t length = sizeof(counter);
    static_cast<void>(mallctl("thread.deallocatedp", &counter, &length, nullptr, 0));
  }
  return counter != nullptr ? *counter : UINT64_MAX;
}

}  // namespace weir
