// pagemap.h - which pages of this process are anonymous and present, as the kernel tells it.
//
// PAGEMAP_SCAN (Linux 6.7) answers for ranges and skips holes: 0.7 ms for 512 MiB. Older
// kernels get pread of the same file, one word a page, guided by maps: 6 ms.
// mincore is for who may not open the file any more (it belongs to root once a process has changed its user): it
// tells nothing of swap, and pages still in the swap cache count as resident.
//
// Not thread-safe: each user has a Pagemap and a buffer of its own. No allocation; safe in signal
// handlers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/os.h"
#include "core/units.h"
#include "reclaim/scan_listener.h"

namespace weir {

// A run of pages that are present, private and anonymous; `huge` when of a transparent huge page.
struct PageRun {
  AddressRange range;
  bool huge = false;
};

// Told of each run, in order of address. False ends the scan.
class RunVisitor {
 public:
  virtual bool visit(const PageRun& run) = 0;

 protected:
  ~RunVisitor() = default;
};

// What a scan looks for: private anonymous pages in memory, or pages of any kind in swap.
enum class PageKind { kPresent, kSwapped };

inline constexpr AddressRange kWholeAddressSpace{kPageBytes, 0x7fff'ffff'f000ULL};

// Where a scan puts what the kernel answers: not on the stack, which may be a small signal stack.
struct ScanBuffer {
  static constexpr std::size_t kBytes = 16384;  // two times kScanHalf
  alignas(8) char bytes[kBytes] = {};
  ScanListener* listener = nullptr;  // told of every scan that goes through this buffer
};

class Pagemap {
 public:
  explicit constexpr Pagemap(ScanBuffer& buffer) : buffer_(buffer) {}
  // Opens /proc/thread-self/pagemap; where that is refused, mincore will do. 0 or an errno.
  int open(Os& os);
  // It was refused: nothing tells what is paged out, and what is shared.
  [[nodiscard]] bool is_refused() const {
    return refused_;
  }
  // The same for another process, where the kernel lets us read of it.
  int open_of(Os& os, std::uint32_t pid);
  void close(Os& os);
  // The descriptor table it was opened in is gone (fork): nothing to close.
  void forget() {
    fd_ = -1;
    refused_ = false;
  }
  [[nodiscard]] bool is_open() const {
    return fd_ >= 0 || refused_;
  }
  [[nodiscard]] bool has_scan() const {
    return has_scan_;
  }
  // Visits the runs inside `range`. 0 or an errno.
  int scan(Os& os, AddressRange range, RunVisitor& visitor, PageKind kind = PageKind::kPresent);
  // What the next scan of `range` misses has been paged out by whoever says so. For the listener.
  void note_paged_out(AddressRange range) const {
    if (buffer_.listener != nullptr) {
      buffer_.listener->paged_out(range);
    }
  }
  // Whether any page of a file is mapped and present inside `range`; true where it cannot be told.
  [[nodiscard]] bool may_hold_file_pages(Os& os, AddressRange range) const;
  // Anonymous present pages there that another process maps too (bit 56 of their word is clear).
  // 12 ns a page. 0 or an errno.
  int count_shared(Os& os, AddressRange range, Pages& out);

 private:
  int scan_either_way(Os& os, AddressRange range, RunVisitor& visitor, PageKind kind);
  int scan_by_ioctl(Os& os, AddressRange range, RunVisitor& visitor, PageKind kind);
  int scan_by_reading(Os& os, AddressRange range, RunVisitor& visitor, PageKind kind);
  int read_mapping(Os& os, AddressRange mapping, RunVisitor& visitor, PageKind kind, bool& go_on);
  int scan_by_mincore(Os& os, AddressRange range, RunVisitor& visitor);

  ScanBuffer& buffer_;
  int fd_ = -1;
  bool refused_ = false;
  bool has_scan_ = true;
};

// Counts the pages a scan finds.
class PageCounter final : public RunVisitor {
 public:
  bool visit(const PageRun& run) override {
    pages_ = pages_ + run.range.pages();
    return true;
  }
  [[nodiscard]] Pages pages() const {
    return pages_;
  }

 private:
  Pages pages_;
};

}  // namespace weir
