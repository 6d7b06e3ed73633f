// program_calls.cc - the program's calls that bring memory, or take it away.
#include "preload/program_calls.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "core/raw_syscall.h"
#include "preload/growth.h"
#include "preload/mapping_owners.h"
#include "preload/own_image.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/thread_groups.h"
#include "preload/timed_look.h"
#include "reclaim/enomem.h"

namespace weir {
namespace {

// Memory of its own that the program can fill: with pages of a file, too, once it has written to them.
bool can_grow(int protection, int flags) {
  return (flags & MAP_PRIVATE) != 0 && (protection & PROT_WRITE) != 0;
}

// A reservation is made to be touched in part, and a file's pages are there: neither is refused for its size.
bool is_asked_for_whole(int flags) {
  return (flags & MAP_ANONYMOUS) != 0 && (flags & (MAP_NORESERVE | MAP_STACK | MAP_FIXED)) == 0;
}

constexpr std::size_t kLargeCommit = 256 * kKiB;
// For a pass over all of memory, by a reclaimer that may not be on its core.
constexpr std::int64_t kRemapWaitNs = 200'000'000;

// Where a thread may not be started: by a program's own allocator with its locks in hand, in a signal handler.
void watch_until_safe() {
  if (process().thread_wanted.load(std::memory_order_relaxed) && !inside_weir() && is_own_process()) {
    watch_by_timer();
  }
}

// Of threads that grow all at once, most have been looked at before the first of them starts the reclaimer.
void after_mapping() {
  await_meter();
  if (!process().thread_wanted.load(std::memory_order_relaxed)) {
    return;
  }
  if (malloc_is_ours()) {
    on_safe_point();
  } else {
    watch_until_safe();
  }
}

}  // namespace

void* program_mmap(void* address, std::size_t bytes, int protection, int flags, int fd, off_t offset) {
  if (thread_groups_wanted() && can_grow(protection, flags) && malloc_is_ours() && !inside_weir()) {
    check_thread_name();
  }
  if (can_grow(protection, flags) && !on_growth(bytes, is_asked_for_whole(flags))) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  const long raw = raw_syscall(SYS_mmap, sys_arg(address), static_cast<long>(bytes), protection, flags, fd, offset);
  if (raw > 0) {
    own_mapping(reinterpret_cast<void*>(raw), bytes);
  }
  after_mapping();
  return libc_result(raw, MAP_FAILED, reinterpret_cast<void*>(raw));
}

void* program_mremap(void* old_address, std::size_t old_bytes, std::size_t new_bytes, int flags, void* new_address) {
  if (new_bytes > old_bytes && !on_growth(new_bytes - old_bytes, (flags & MREMAP_FIXED) == 0)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  const auto remap = [&] {
    const auto begin = reinterpret_cast<std::uintptr_t>(old_address);
    process().engine.evidence.mend(raw_os(), {begin, begin + old_bytes});
    return raw_syscall(SYS_mremap, sys_arg(old_address), static_cast<long>(old_bytes), static_cast<long>(new_bytes),
                       flags, sys_arg(new_address));
  };
  long raw = remap();
  if (raw == -EFAULT) {  // the reclaimer may have cut it again: not while its lock is held
    const ClosedScope scope;
    const ReclaimGuard guard(raw_os(), process().engine.shared.lock, kRemapWaitNs);
    raw = remap();
  }
  if (raw > 0) {
    disown_mapping(old_address, old_bytes);
    own_mapping(reinterpret_cast<void*>(raw), new_bytes);
  }
  after_mapping();
  return libc_result(raw, MAP_FAILED, reinterpret_cast<void*>(raw));
}

int program_munmap(void* address, std::size_t bytes) {
  // Before somebody else has the place; a call that the kernel will refuse takes nothing away.
  if (bytes != 0 && reinterpret_cast<std::uintptr_t>(address) % kPageBytes == 0) {
    disown_mapping(address, bytes);
    forget_refusal(process().engine, bytes);
  }
  return libc_result(raw_syscall(SYS_munmap, sys_arg(address), static_cast<long>(bytes)), -1, 0);
}

// Address space that was reserved without rights becomes memory: virtual machines and arena allocators commit so.
int program_mprotect(void* address, std::size_t bytes, int protection) {
  if ((protection & PROT_WRITE) != 0) {
    if (bytes < kLargeCommit) {
      expect_unseen(bytes);  // in small pieces it may be much
    }
    on_growth(bytes, false);
  }
  const long raw = raw_syscall(SYS_mprotect, sys_arg(address), static_cast<long>(bytes), protection);
  if (bytes >= kLargeCommit) {
    after_mapping();
  } else {
    watch_until_safe();  // it may be a collector's barrier, opened in a handler
  }
  return libc_result(raw, -1, 0);
}

void* program_sbrk(std::intptr_t increment) {
  static constinit RealFunction<void*(std::intptr_t)> real{"sbrk"};
  if (increment > 0) {
    on_growth(static_cast<std::size_t>(increment), false);
    after_mapping();
  }
  return real.get()(increment);
}

int program_brk(void* end) {
  static constinit RealFunction<int(void*)> real{"brk"};
  const auto wanted = reinterpret_cast<std::uintptr_t>(end);
  const auto present = static_cast<std::uintptr_t>(raw_syscall(SYS_brk, 0));
  if (wanted > present) {
    on_growth(wanted - present, false);
    after_mapping();
  }
  return real.get()(end);
}

int program_setrlimit(int resource, const struct rlimit* limits) {
  const long raw = raw_syscall(SYS_prlimit64, 0, resource, sys_arg(limits), 0);
  if (raw == 0 && resource == RLIMIT_STACK) {
    process().growth_budget.store(0, std::memory_order_relaxed);
    on_growth(raised_stack_bytes(), false);
    after_mapping();
  }
  return libc_result(raw, -1, 0);
}

}  // namespace weir
