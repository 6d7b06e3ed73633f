// huge_regions.h - where the allocator's memory may come in huge pages, and what that is charged.
//
// Once a process is near a mark its heap is going to be paged out, and a huge page leaves as one:
// one unmap, one TLB flush, one request to the swap device, where 512 small pages need 512 of
// each (measured on zram: 1.2 us a page to touch and 2.0 to leave, against 2.8 and 7). So new
// regions of the allocator are then offered to the kernel for huge pages. A fault there takes
// 2 MiB at once, which no sampling of faults can catch: each unit is charged as the allocator
// first reaches into it, before it is touched. What it reaches into at once may be more than a
// limit can take at once: then the offer is taken back, and the meter sees each page. Pages that
// come back come back small. Under the fallback meter that is for processes with one thread (reclaim/README.md).
//
// Lock-free; safe with allocator locks held.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

inline constexpr std::size_t kHugeBytes = std::size_t{2} << 20;

// The allocator has a new region: huge pages for its whole units, if this is the time for it.
void offer_huge_pages(std::uintptr_t begin, std::size_t bytes);
// It takes [begin, begin + bytes) into use: gives how many units are entered for the first time.
std::size_t enter_units(std::uintptr_t begin, std::size_t bytes);
// It has given these pages back: the next touch may take a huge page again.
void leave_units(std::uintptr_t begin, std::size_t bytes);

}  // namespace weir
