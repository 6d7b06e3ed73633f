// host_memory.h - what the whole machine has: swap, and to whom it gives huge pages.
#pragma once

#include <cstdint>

#include "core/os.h"

namespace weir {

// Bytes of swap in the machine and how many of them are free, from /proc/meminfo. 0 or an errno.
struct SwapSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
};
int read_swap_space(Os& os, SwapSpace& out);

// Which sizes of huge pages the host gives, as /sys/kernel/mm/transparent_hugepage tells. Since Linux 6.8 each size has
// a setting of its own, which may be that of all ("inherit").
struct HugePages {
  std::uint32_t unasked_kib = 0;  // the largest that comes to who did not ask for it; 0: none does
  bool unasked_by_all = false;    // and that by the setting of all sizes
  bool on_advice = false;         // those of 2 MiB come to who asks with madvise
};
HugePages read_huge_pages(Os& os);

}  // namespace weir
