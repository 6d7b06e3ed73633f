// pagemap_abi.h - PAGEMAP_SCAN as the kernel takes it: for who asks, and for who stands in for the kernel.
#pragma once

#include <sys/ioctl.h>

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

}  // namespace weir
