// settle.h - what the reclaimer thread does for itself before its first look.
#pragma once

#include "preload/process.h"

namespace weir {

// Its own descriptors, and neither the program's priority nor its share of one core. In that thread only.
void settle(Process& p);

// Where the host gives huge pages to everybody, one fault takes 2 MiB of memory that no sampling
// of faults can catch in time. Near a mark only those go on that weir asks for, and charges ahead
// (huge_regions.h). The kernel's flag passes on to children, which lose speed by it and no more.
void settle_huge_pages(Process& p);

}  // namespace weir
