// probe.h - what this machine really does when it is asked, each question tried out.
//
// Nothing here trusts a version number or a setting where the thing itself can be tried.
#pragma once

#include <cstddef>
#include <string>

namespace weir {

// Whether the page-fault counter interrupts the thread that faults.
struct PerfProbe {
  int open_error = 0;  // perf_event_open refused, with this errno
  bool traps = false;  // the signal came
};
PerfProbe probe_perf();

// How page-out and looking afterwards work, tried on one MiB.
struct PageoutProbe {
  int pagemap_error = 0;
  bool has_scan = false;   // PAGEMAP_SCAN works
  int advise_error = 0;    // madvise(MADV_PAGEOUT) refused
  std::size_t pages = 0;   // that were touched
  std::size_t stayed = 0;  // of them, after page-out
};
PageoutProbe probe_pageout();

struct KernelVersion {
  int major = 0;
  int minor = 0;
  std::string release;

  [[nodiscard]] bool at_least(int wanted_major, int wanted_minor) const {
    return major > wanted_major || (major == wanted_major && minor >= wanted_minor);
  }
};
KernelVersion kernel_version();

}  // namespace weir
