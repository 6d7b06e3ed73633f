// pagemap.cc - PAGEMAP_SCAN, and the slow way for kernels without it.
#include "reclaim/pagemap.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "core/text.h"
#include "reclaim/pagemap_abi.h"
#include "reclaim/private_maps.h"

namespace weir {
namespace {

constexpr std::uint64_t kWordPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kWordSwapped = std::uint64_t{1} << 62;
constexpr std::uint64_t kWordFile = std::uint64_t{1} << 61;
constexpr std::uint64_t kWordExclusive = std::uint64_t{1} << 56;

// One half of the buffer for what finds pages (regions, or lines of maps), one for their words.
constexpr std::size_t kHalf = ScanBuffer::kBytes / 2;
constexpr std::size_t kRegions = kHalf / sizeof(ScanRegion);
constexpr std::size_t kWords = kHalf / sizeof(std::uint64_t);

ScanRegion* regions_of(ScanBuffer& buffer) {
  return reinterpret_cast<ScanRegion*>(buffer.bytes);
}
std::uint64_t* words_of(ScanBuffer& buffer) {
  return reinterpret_cast<std::uint64_t*>(buffer.bytes + kHalf);
}

}  // namespace

int Pagemap::open(Os& os) {
  const SysResult fd = os.open("/proc/thread-self/pagemap", O_RDONLY, 0);
  fd_ = fd.ok() ? static_cast<int>(fd.value()) : -1;
  return fd.error();
}

int Pagemap::open_of(Os& os, std::uint32_t pid) {
  TextBuffer<64> path;
  path.add("/proc/").add_number(pid).add("/pagemap");
  const SysResult fd = os.open(path.c_str(), O_RDONLY, 0);
  fd_ = fd.ok() ? static_cast<int>(fd.value()) : -1;
  return fd.error();
}

void Pagemap::close(Os& os) {
  if (fd_ >= 0) {
    static_cast<void>(os.close(fd_));
    fd_ = -1;
  }
}

// Tells the listener of each run before the visitor, who may make its pages leave.
class Overheard final : public RunVisitor {
 public:
  Overheard(RunVisitor& visitor, ScanListener& listener) : visitor_(visitor), listener_(listener) {}

  bool visit(const PageRun& run) override {
    listener_.scan_found(run.range);
    end_ = run.range.end;
    went_on_ = visitor_.visit(run);
    return went_on_;
  }
  // Where the scan of `range` ended: before its end, when the visitor had enough.
  [[nodiscard]] std::uintptr_t end(AddressRange range) const {
    return went_on_ ? range.end : end_;
  }

 private:
  RunVisitor& visitor_;
  ScanListener& listener_;
  std::uintptr_t end_ = 0;
  bool went_on_ = true;
};

int Pagemap::scan(Os& os, AddressRange range, RunVisitor& visitor, PageKind kind) {
  if (fd_ < 0) {
    return EBADF;
  }
  if (buffer_.listener == nullptr) [[likely]] {
    return scan_either_way(os, range, visitor, kind);
  }
  Overheard overheard(visitor, *buffer_.listener);
  buffer_.listener->scan_begins(range, kind == PageKind::kSwapped);
  const int error = scan_either_way(os, range, overheard, kind);
  buffer_.listener->scan_ends(error == 0 ? overheard.end(range) : range.begin);
  return error;
}

int Pagemap::scan_either_way(Os& os, AddressRange range, RunVisitor& visitor, PageKind kind) {
  if (has_scan_) {
    const int error = scan_by_ioctl(os, range, visitor, kind);
    if (error != ENOTTY && error != EINVAL) {
      return error;
    }
    has_scan_ = false;
  }
  return scan_by_reading(os, range, visitor, kind);
}

int Pagemap::scan_by_ioctl(Os& os, AddressRange range, RunVisitor& visitor, PageKind kind) {
  ScanRegion* regions = regions_of(buffer_);
  ScanArgument argument = {};
  argument.size = sizeof(argument);
  argument.end = range.end;
  argument.vec = reinterpret_cast<std::uint64_t>(regions);
  argument.vec_len = kRegions;
  if (kind == PageKind::kSwapped) {
    argument.category_mask = kIsSwapped;
  } else {  // present, and neither file nor zero page
    argument.category_mask = kIsPresent | kIsFile | kIsZeroPage;
    argument.category_inverted = kIsFile | kIsZeroPage;
  }
  argument.return_mask = kIsPresent | kIsHuge;
  for (std::uint64_t start = range.begin; start < range.end; start = argument.walk_end) {
    argument.start = start;
    argument.walk_end = range.end;
    const SysResult got = os.ioctl(fd_, kPagemapScan, &argument);
    if (!got.ok()) {
      return got.error();
    }
    for (long i = 0; i < got.value(); ++i) {
      const ScanRegion& region = regions[i];
      if (!visitor.visit({{region.start, region.end}, (region.categories & kIsHuge) != 0})) {
        return 0;
      }
    }
    if (argument.walk_end <= start) {
      return 0;
    }
  }
  return 0;
}

bool Pagemap::may_hold_file_pages(Os& os, AddressRange range) const {
  if (!has_scan_) {
    return true;
  }
  ScanRegion region = {};
  ScanArgument argument = {};
  argument.size = sizeof(argument);
  argument.start = range.begin;
  argument.end = range.end;
  argument.vec = reinterpret_cast<std::uint64_t>(&region);
  argument.vec_len = 1;
  argument.max_pages = 1;
  argument.category_mask = kIsPresent | kIsFile;
  argument.return_mask = kIsPresent;
  const SysResult got = os.ioctl(fd_, kPagemapScan, &argument);
  return !got.ok() || got.value() != 0;
}

// Reads the words of one run after the other.
class SharedCounter final : public RunVisitor {
 public:
  SharedCounter(Os& os, int fd, ScanBuffer& buffer) : os_(os), fd_(fd), buffer_(buffer) {}

  bool visit(const PageRun& run) override {
    std::uint64_t* const words = words_of(buffer_);
    for (std::uintptr_t at = run.range.begin; at < run.range.end;) {
      const std::size_t wanted = std::min(kWords, (run.range.end - at) >> kPageShift);
      const SysResult got = os_.pread(fd_, words, wanted * 8, static_cast<std::int64_t>(at >> kPageShift) * 8);
      if (!got.ok() || got.value() < 8) {
        return false;
      }
      const auto count = static_cast<std::size_t>(got.value()) / 8;
      for (std::size_t i = 0; i < count; ++i) {
        shared_.count += (words[i] & kWordPresent) != 0 && (words[i] & kWordExclusive) == 0 ? 1 : 0;
      }
      at += count * kPageBytes;
    }
    return true;
  }
  [[nodiscard]] Pages shared() const {
    return shared_;
  }

 private:
  Os& os_;
  int fd_;
  ScanBuffer& buffer_;
  Pages shared_;
};

int Pagemap::count_shared(Os& os, AddressRange range, Pages& out) {
  if (!has_scan_) {
    return ENOTTY;  // the slow way of scanning uses the same buffer
  }
  SharedCounter counter(os, fd_, buffer_);
  const int error = scan(os, range, counter);
  out = counter.shared();
  return error;
}

int Pagemap::scan_by_reading(Os& os, AddressRange range, RunVisitor& visitor, PageKind kind) {
  PrivateMaps maps(os, buffer_.bytes, kHalf);
  AddressRange mapping;
  bool go_on = true;
  while (go_on && maps.next(mapping) && mapping.begin < range.end) {
    const AddressRange part{std::max(mapping.begin, range.begin), std::min(mapping.end, range.end)};
    if (part.begin >= part.end) {
      continue;
    }
    if (const int error = read_mapping(os, part, visitor, kind, go_on); error != 0) {
      return error;
    }
  }
  return 0;
}

int Pagemap::read_mapping(Os& os, AddressRange mapping, RunVisitor& visitor, PageKind kind, bool& go_on) {
  const std::uint64_t* words = words_of(buffer_);
  PageRun run;
  std::uintptr_t address = mapping.begin;
  while (go_on && address < mapping.end) {
    const std::size_t wanted = std::min(kWords, (mapping.end - address) >> kPageShift);
    const auto offset = static_cast<std::int64_t>(address >> kPageShift) * 8;
    const SysResult got = os.pread(fd_, words_of(buffer_), wanted * 8, offset);
    if (!got.ok() || got.value() < 8) {
      return got.error();
    }
    const auto count = static_cast<std::size_t>(got.value()) / 8;
    for (std::size_t i = 0; i < count && go_on; ++i, address += kPageBytes) {
      const bool counts = kind == PageKind::kSwapped ? (words[i] & kWordSwapped) != 0
                                                     : (words[i] & (kWordPresent | kWordFile)) == kWordPresent;
      if (counts && run.range.end == address) {
        run.range.end = address + kPageBytes;
        continue;
      }
      if (run.range.end != 0) {
        go_on = visitor.visit(run);
        run = {};
      }
      if (counts) {
        run.range = {address, address + kPageBytes};
      }
    }
  }
  if (go_on && run.range.end != 0) {
    go_on = visitor.visit(run);
  }
  return 0;
}

}  // namespace weir
