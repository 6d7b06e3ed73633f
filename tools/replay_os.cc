// replay_os.cc - the calls that the policy makes, answered from memory.
#include "tools/replay_os.h"

#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "reclaim/pagemap_abi.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

namespace weir {
namespace {

std::uint16_t resident_of(const ReplayPlace& place, bool swapped) {
  return swapped ? place.out : place.present;
}

// Runs of pages into the kernel's answer, until there is no place for more.
class RegionList {
 public:
  explicit RegionList(ScanArgument& argument)
      : argument_(argument), regions_(reinterpret_cast<ScanRegion*>(argument.vec)) {}

  bool add(std::uintptr_t page) {
    if (count_ > 0 && regions_[count_ - 1].end == page) {
      regions_[count_ - 1].end += kPageBytes;
    } else if (count_ == argument_.vec_len) {
      argument_.walk_end = page;
      return false;
    } else {
      regions_[count_++] = {page, page + kPageBytes, kIsPresent};
    }
    return true;
  }
  [[nodiscard]] long count() const {
    return static_cast<long>(count_);
  }

 private:
  ScanArgument& argument_;
  ScanRegion* regions_;
  std::size_t count_ = 0;
};

}  // namespace

ReplayOs::~ReplayOs() {
  for (const auto& [address, bytes] : mapped_) {
    static_cast<void>(raw_os().unmap(reinterpret_cast<void*>(address), bytes));
  }
}

SysResult ReplayOs::refused() {
  return SysResult(-EPERM);
}

MapResult ReplayOs::map_shared(int, std::size_t) {
  return {nullptr, EPERM};
}

void ReplayOs::move_clock_to(std::uint64_t ns) {
  if (ns > clock_ns_) {
    host_.time_passes(clock_ns_, ns);
    clock_ns_ = ns;
  }
}

SysResult ReplayOs::open(const char* path, int, unsigned) {
  const std::string name = path;
  if (name != "/proc/thread-self/pagemap" && name != "/proc/thread-self/smaps" && text_of(name).empty()) {
    return SysResult(-ENOENT);
  }
  paths_[next_fd_] = name;
  return SysResult(next_fd_++);
}

SysResult ReplayOs::close(int fd) {
  texts_.erase(fd);
  return SysResult(paths_.erase(fd) == 1 ? 0 : -EBADF);
}

SysResult ReplayOs::pread(int fd, void* buffer, std::size_t bytes, std::int64_t offset) {
  const auto path = paths_.find(fd);
  if (path == paths_.end()) {
    return SysResult(-EBADF);
  }
  if (offset == 0) {
    texts_[fd] = text_of(path->second);
  }
  const std::string& text = texts_[fd];
  const std::size_t at = std::min(static_cast<std::size_t>(offset), text.size());
  const std::size_t got = std::min(bytes, text.size() - at);
  std::memcpy(buffer, text.data() + at, got);
  return SysResult(static_cast<long>(got));
}

SysResult ReplayOs::ioctl(int, unsigned long request, void* argument_pointer) {
  if (request != kPagemapScan) {
    return SysResult(-ENOTTY);
  }
  auto& argument = *static_cast<ScanArgument*>(argument_pointer);
  const AddressRange range{argument.start, argument.end};
  const bool swapped = argument.category_mask == kIsSwapped;
  argument.walk_end = range.end;
  if (argument.category_mask == (kIsPresent | kIsFile)) {
    return SysResult(0);  // pages of files are not recorded
  }
  RegionList regions(argument);
  std::uint64_t pages = 0;
  bool has_room = true;
  auto& places = memory_.places();
  for (auto at = places.lower_bound(range.begin >> kGranuleShift); has_room && at != places.end(); ++at) {
    const AddressRange whole = Granule{at->first}.range();
    if (whole.begin >= range.end) {
      break;
    }
    for (std::uint32_t mask = resident_of(at->second, swapped); has_room && mask != 0; mask &= mask - 1) {
      const std::uintptr_t page = whole.begin + static_cast<std::uintptr_t>(std::countr_zero(mask)) * kPageBytes;
      if (page >= range.begin && page < range.end) {
        ++pages;
        has_room = regions.add(page);
      }
    }
  }
  move_clock_to(clock_ns_ + kCallNs + pages * kScannedPageNs);
  return SysResult(regions.count());
}

MapResult ReplayOs::map_anonymous(std::size_t bytes) {
  const MapResult mapped = raw_os().map_anonymous(bytes);
  if (mapped.ok()) {
    mapped_[reinterpret_cast<std::uintptr_t>(mapped.address)] = bytes;
  }
  return mapped;
}

SysResult ReplayOs::unmap(void* address, std::size_t bytes) {
  mapped_.erase(reinterpret_cast<std::uintptr_t>(address));
  return raw_os().unmap(address, bytes);
}

SysResult ReplayOs::advise(std::uintptr_t address, std::size_t bytes, int advice) {
  const AddressRange range{address, address + bytes};
  Pages left;
  if (advice == MADV_PAGEOUT) {
    left = memory_.page_out(range);
  } else if (advice == MADV_COLD) {
    memory_.forget_use(range);
  } else if (advice == MADV_RANDOM || advice == MADV_NORMAL) {
    memory_.set_random(range, advice == MADV_RANDOM);
  }
  move_clock_to(clock_ns_ + kCallNs + left.count * kPageOutNs);
  if (advice == MADV_PAGEOUT) {
    host_.worked_until(clock_ns_);
  }
  return SysResult(0);
}

SysResult ReplayOs::kill(int pid, int signal) {
  if (signal == SIGKILL) {
    dead_ = dead_ || pid == kSelf;
    others_ = pid == kOthers ? -1 : others_;
    host_.killed(pid);
  }
  return SysResult(0);
}

SysResult ReplayOs::usage(struct rusage* out) {
  *out = {};
  out->ru_minflt = static_cast<long>(memory_.minor_faults());
  out->ru_majflt = static_cast<long>(memory_.major_faults());
  return SysResult(0);
}

SysResult ReplayOs::futex_wait(FutexWord& word, std::uint32_t expected, std::int64_t timeout_ns) {
  host_.program_waits();
  if (word.load(std::memory_order_relaxed) != expected) {
    return SysResult(-EAGAIN);
  }
  if (timeout_ns < 0) {
    return SysResult(-EINTR);
  }
  move_clock_to(clock_ns_ + static_cast<std::uint64_t>(timeout_ns));
  return SysResult(-ETIMEDOUT);
}

SysResult ReplayOs::futex_wake(FutexWord& word, int) {
  host_.reclaimer_woken(word);
  return SysResult(0);
}

}  // namespace weir
