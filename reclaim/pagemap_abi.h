// pagemap_abi.h - PAGEMAP_SCAN and the words of pagemap as the kernel has them: for who asks, and for who stands in
// for the kernel.
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

namespace weir {

// The ABI of PAGEMAP_SCAN (include/uapi/linux/fs.h of Linux 6.7), which Debian 12's headers lack.
struct ScanRegion {
  std::uint64_t start;
  std::uint64_t end;
  std::uint64_t categories;
};
struct ScanArgument {
  std::uint64_t size;
  std::uint64_t flags;
  std::uint64_t start;
  std::uint64_t end;
  std::uint64_t walk_end;
  std::uint64_t vec;
  std::uint64_t vec_len;
  std::uint64_t max_pages;
  std::uint64_t category_inverted;
  std::uint64_t category_mask;
  std::uint64_t category_anyof_mask;
  std::uint64_t return_mask;
};
inline constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArgument);
inline constexpr std::uint64_t kIsFile = 1 << 2;
inline constexpr std::uint64_t kIsPresent = 1 << 3;
inline constexpr std::uint64_t kIsSwapped = 1 << 4;
inline constexpr std::uint64_t kIsZeroPage = 1 << 5;
inline constexpr std::uint64_t kIsHuge = 1 << 6;

// Of the word of a page (Documentation/admin-guide/mm/pagemap.rst).
inline constexpr std::uint64_t kWordPresent = std::uint64_t{1} << 63;
inline constexpr std::uint64_t kWordSwapped = std::uint64_t{1} << 62;
inline constexpr std::uint64_t kWordFile = std::uint64_t{1} << 61;
inline constexpr std::uint64_t kWordExclusive = std::uint64_t{1} << 56;

// One half of a ScanBuffer is for what finds pages (regions, or lines of maps), one for what tells of each.
inline constexpr std::size_t kScanHalf = 8192;
inline constexpr std::size_t kScanWords = kScanHalf / sizeof(std::uint64_t);
inline std::uint64_t* words_of(char* buffer) {
  return reinterpret_cast<std::uint64_t*>(buffer + kScanHalf);
}

}  // namespace weir
