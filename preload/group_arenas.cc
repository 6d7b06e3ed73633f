// group_arenas.cc - an allocator arena per thread group, whose extents carry their owner.
//
// Extent hooks, refused for accounting (jemalloc.cc), are right here: an arena made for one
// group maps for that group alone, its large allocations and its metadata included, and what it
// has mapped stays its own until the process ends.
#include <errno.h>
#include <jemalloc/jemalloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "core/raw_syscall.h"
#include "preload/jemalloc.h"
#include "preload/mapping_owners.h"
#include "preload/process.h"

namespace weir {
namespace {

bool is_error(long raw) {
  return raw < 0 && raw > -4096;
}

void unmap(std::uintptr_t begin, std::size_t bytes) {
  if (bytes != 0) {
    raw_syscall(SYS_munmap, static_cast<long>(begin), static_cast<long>(bytes));
  }
}

// Aligned to granules at least, so that no granule has two owners.
void* map_aligned(std::size_t bytes, std::size_t alignment) {
  alignment = alignment < kGranuleBytes ? kGranuleBytes : alignment;
  const std::size_t room = bytes + alignment;
  const long raw =
      raw_syscall(SYS_mmap, 0, static_cast<long>(room), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (is_error(raw) || room < bytes) {
    return nullptr;
  }
  const auto begin = static_cast<std::uintptr_t>(raw);
  const std::uintptr_t aligned = (begin + alignment - 1) / alignment * alignment;
  unmap(begin, aligned - begin);
  unmap(aligned + bytes, begin + room - (aligned + bytes));
  return reinterpret_cast<void*>(aligned);
}

GroupNumber group_of(const extent_hooks_t* hooks);

void* map_extent(extent_hooks_t* hooks, void* wanted, size_t bytes, size_t alignment, bool* zero, bool* commit,
                 unsigned) {
  void* const extent = wanted == nullptr ? map_aligned(bytes, alignment) : nullptr;
  if (extent == nullptr) {
    return nullptr;
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(extent);
  ThreadGroups& groups = process().engine.groups;
  groups.owners().set(raw_os(), {begin, begin + bytes}, groups.owner_mark(group_of(hooks)));
  // Not offered for huge pages: a group's limit is small, and 2 MiB at once too much of it.
  *zero = true;
  *commit = true;
  return extent;
}

// True: it keeps its address space, and its owner, for the next extent.
bool keep_extent(extent_hooks_t*, void*, size_t, bool, unsigned) {
  return true;
}

void destroy_extent(extent_hooks_t*, void* extent, size_t bytes, bool, unsigned) {
  disown_mapping(extent, bytes);
  unmap(reinterpret_cast<std::uintptr_t>(extent), bytes);
}

bool purge_extent(extent_hooks_t*, void* extent, size_t, size_t offset, size_t bytes, unsigned) {
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(extent) + offset;
  return is_error(raw_syscall(SYS_madvise, static_cast<long>(begin), static_cast<long>(bytes), MADV_DONTNEED));
}

bool may_split(extent_hooks_t*, void*, size_t, size_t, size_t, bool, unsigned) {
  return false;
}
bool may_merge(extent_hooks_t*, void*, size_t, void*, size_t, bool, unsigned) {
  return false;
}

constinit extent_hooks_t hooks_of[kMostGroups] = {};

GroupNumber group_of(const extent_hooks_t* hooks) {
  return static_cast<GroupNumber>(hooks - hooks_of);
}

}  // namespace

bool make_group_arena(GroupNumber group, unsigned& arena) {
  hooks_of[group] = {map_extent, keep_extent,  destroy_extent, nullptr,  nullptr,
                     nullptr,    purge_extent, may_split,      may_merge};
  extent_hooks_t* hooks = &hooks_of[group];
  size_t length = sizeof(arena);
  return mallctl("arenas.create", &arena, &length, &hooks, sizeof(extent_hooks_t*)) == 0;
}

bool use_arena(unsigned arena, unsigned& before) {
  size_t length = sizeof(before);
  if (mallctl("thread.arena", &before, &length, &arena, sizeof(arena)) != 0) {
    return false;
  }
  // What the thread has at hand is from where it was.
  static_cast<void>(mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0));
  return true;
}

}  // namespace weir
