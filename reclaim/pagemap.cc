// pagemap.cc - PAGEMAP_SCAN, and the words of single pages.
#include "reclaim/pagemap.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "core/text.h"
#include "reclaim/pagemap_abi.h"

namespace weir {
namespace {

static_assert(ScanBuffer::kBytes == 2 * kScanHalf);
constexpr std::size_t kRegions = kScanHalf / sizeof(ScanRegion);

ScanRegion* regions_of(ScanBuffer& buffer) {
  return reinterpret_cast<ScanRegion*>(buffer.bytes);
}

}  // namespace

int Pagemap::open(Os& os) {
  const SysResult fd = os.open("/proc/thread-self/pagemap", O_RDONLY, 0);
  fd_ = fd.ok() ? static_cast<int>(fd.value()) : -1;
  refused_ = fd.error() == EACCES || fd.error() == EPERM;
  return refused_ ? 0 : fd.error();
}

int Pagemap::open_of(Os& os, std::uint32_t pid) {
  TextBuffer<64> path;
  path.add("/proc/").add_number(pid).add("/pagemap");
  const SysResult fd = os.open(path.c_str(), O_RDONLY, 0);
  fd_ = fd.ok() ? static_cast<int>(fd.value()) : -1;
  return fd.error();
}

void Pagemap::close(Os& os) {
  refused_ = false;
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
  if (!is_open()) {
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
  if (refused_) {
    return kind == PageKind::kPresent ? scan_by_mincore(os, range, visitor) : 0;
  }
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
  if (!has_scan_ || refused_) {
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
    std::uint64_t* const words = words_of(buffer_.bytes);
    for (std::uintptr_t at = run.range.begin; at < run.range.end;) {
      const std::size_t wanted = std::min(kScanWords, (run.range.end - at) >> kPageShift);
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
  if (!has_scan_ || refused_) {
    return ENOTTY;  // the slow way of scanning uses the same buffer
  }
  SharedCounter counter(os, fd_, buffer_);
  const int error = scan(os, range, counter);
  out = counter.shared();
  return error;
}

}  // namespace weir
