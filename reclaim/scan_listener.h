// scan_listener.h - who is told of what scans find, beside the visitor that asked for them: the recorder.
//
// Called in the thread that scans, perhaps in a signal handler.
#pragma once

#include "core/units.h"

namespace weir {

class ScanListener {
 public:
  // A scan of `range` begins: for pages in swap, or for pages present.
  virtual void scan_begins(AddressRange range, bool swapped) = 0;
  virtual void scan_found(AddressRange run) = 0;
  // Everything up to `end` was told of.
  virtual void scan_ends(std::uintptr_t end) = 0;
  // What the next scan misses of `range` has been paged out.
  virtual void paged_out(AddressRange range) = 0;

 protected:
  ~ScanListener() = default;
};

}  // namespace weir
