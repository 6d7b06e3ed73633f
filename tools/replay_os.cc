// replay_os.cc - the calls that the policy makes, answered from memory.
#include "tools/replay_os.h"

#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
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

constexpr std::uint64_t kSharedPages = 100;
constexpr std::uint64_t kSwapKib = std::uint64_t{1} << 30U;  // 1 TiB: no recording fills it
constexpr std::size_t kLargestMapping = 16 * kMiB / kGranuleBytes;

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

std::string hex(std::uintptr_t value) {
  char digits[17];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value, 16);
  return {digits, end.ptr};
}

// One mapping as smaps tells it, as far as reclaim/smaps.cc reads it.
std::string mapping_text(std::uint64_t first, std::uint64_t end, std::uint64_t present, std::uint64_t used,
                         bool random) {
  const auto kib = [](std::uint64_t pages) { return std::to_string(pages * kPageBytes / kKiB) + " kB\n"; };
  return hex(first << kGranuleShift) + "-" + hex(end << kGranuleShift) +
         " rw-p 00000000 00:00 0 \nRss: " + kib(present) + "Referenced: " + kib(used) + "VmFlags: rd wr mr mw me ac" +
         (random ? " rr\n" : "\n");
}

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

std::string ReplayOs::process_file(int pid, const std::string& file) const {
  const bool is_self = pid == kSelf;
  if ((is_self && dead_) || (!is_self && (pid != kOthers || others_ < 0))) {
    return "";
  }
  const std::uint64_t resident = is_self ? memory_.present().count : static_cast<std::uint64_t>(others_);
  const std::uint64_t swapped = is_self ? memory_.out().count * kPageBytes / kKiB : 0;
  const std::string number = std::to_string(pid);
  if (file == "statm") {
    return "1000000 " + std::to_string(resident + kSharedPages) + " " + std::to_string(kSharedPages) + " 1 0 50 0\n";
  }
  if (file == "stat") {
    return number + " (replay) S 1 1 1 0 -1 4194560 100 0 7 0 1 1 0 0 20 0 1 0 1 1000000 500 0\n";
  }
  if (file == "status") {
    return "Name:\treplay\nPid:\t" + number + "\nTracerPid:\t0\nVmHWM:\t0 kB\nVmPTE:\t0 kB\nVmSwap:\t" +
           std::to_string(swapped) + " kB\nThreads:\t1\n";
  }
  return file == "oom_score_adj" ? "0\n" : "";
}

// Mappings: granules with nothing between them, of one kind.
std::string ReplayOs::smaps() const {
  std::string text;
  const auto& places = memory_.places();
  for (auto at = places.begin(); at != places.end();) {
    const std::uint64_t first = at->first;
    const bool random = at->second.random;
    std::uint64_t present = 0;
    std::uint64_t used = 0;
    std::uint64_t end = first;
    for (; at != places.end() && at->first == end && at->second.random == random && end - first < kLargestMapping;
         ++at, ++end) {
      present += static_cast<std::uint64_t>(std::popcount(at->second.present));
      const auto referenced = static_cast<std::uint16_t>(at->second.present & at->second.referenced);
      used += static_cast<std::uint64_t>(std::popcount(referenced));
    }
    text += mapping_text(first, end, present, used, random);
  }
  return text;
}

std::string ReplayOs::text_of(const std::string& path) const {
  constexpr std::string_view kProc = "/proc/";
  if (path == "/proc/meminfo") {
    return "MemTotal: 1000000 kB\nSwapTotal: " + std::to_string(kSwapKib) +
           " kB\nSwapFree: " + std::to_string(kSwapKib - memory_.out().count * kPageBytes / kKiB) + " kB\n";
  }
  if (path == "/proc/thread-self/smaps") {
    return smaps();
  }
  const std::size_t slash = path.find('/', kProc.size());
  if (!path.starts_with(kProc) || slash == std::string::npos) {
    return "";
  }
  const std::string who = path.substr(kProc.size(), slash - kProc.size());
  int pid = kSelf;
  if (who != "thread-self") {
    std::from_chars(who.data(), who.data() + who.size(), pid);
  }
  return process_file(pid, path.substr(slash + 1));
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
