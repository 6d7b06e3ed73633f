// host_checks.cc - trying what weir needs of the kernel, and telling what is lost without it.
#include "tools/host_checks.h"

#include <cerrno>

#include "core/host_memory.h"
#include "core/os.h"
#include "core/units.h"
#include "tools/files.h"
#include "tools/human.h"
#include "tools/probe.h"
#include "tools/say.h"

namespace weir {
namespace {

Check check_swap() {
  SwapSpace space;
  static_cast<void>(read_swap_space(raw_os(), space));
  Check check{"swap", State::kOk, human_bytes(space.free_bytes) + " of " + human_bytes(space.total_bytes) + " free"};
  const bool nearly_full = space.free_bytes < space.total_bytes / 10;
  if (space.total_bytes == 0 || nearly_full) {
    check.state = space.total_bytes == 0 ? State::kMissing : State::kDegraded;
    check.detail = space.total_bytes == 0 ? "none" : check.detail;
    check.lost = "nothing can be paged out: who meets a limit is out of memory";
    check.mend = "sudo weir swap add";
  }
  return check;
}

Check check_pageout(const PageoutProbe& probe, bool swap_is_there) {
  Check check{"pageout", State::kOk, "MADV_PAGEOUT empties what it is given"};
  if (probe.advise_error != 0) {
    check = {"pageout",
             State::kMissing,
             "madvise(MADV_PAGEOUT): " + error_text(probe.advise_error),
             "live memory cannot be paged out",
             "use Linux 5.4 or later",
             true};
  } else if (probe.stayed > probe.pages / 10) {
    check.state = swap_is_there ? State::kDegraded : State::kMissing;
    check.detail = std::to_string(probe.stayed) + " of " + std::to_string(probe.pages) + " pages stayed";
    check.lost = "nothing can be paged out: who meets a limit is out of memory";
    check.mend = swap_is_there ? "raise memory.swap.max of this cgroup" : "sudo weir swap add";
  } else if (probe.pages == 0) {
    check.state = State::kDegraded;
    check.detail = "not verified, for pagemap cannot be read";
  }
  return check;
}

Check check_pagemap(const PageoutProbe& probe) {
  if (probe.pagemap_error == 0) {
    return {"pagemap", State::kOk, "/proc/self/pagemap is readable"};
  }
  return {"pagemap",
          State::kMissing,
          "/proc/self/pagemap: " + error_text(probe.pagemap_error),
          "what is resident where cannot be seen, so nothing is evicted",
          "mount -t proc proc /proc",
          true};
}

Check check_scan(const PageoutProbe& probe) {
  if (probe.has_scan && probe.pagemap_error == 0) {
    return {"pagemap_scan", State::kOk, "PAGEMAP_SCAN works"};
  }
  return {"pagemap_scan", State::kDegraded, "PAGEMAP_SCAN does not work", "looking at 512M takes 6 ms instead of 0.7",
          "use Linux 6.7 or later"};
}

Check check_perf(const KernelVersion& kernel) {
  const PerfProbe probe = probe_perf();
  std::string paranoid = "unknown";
  static_cast<void>(read_text("/proc/sys/kernel/perf_event_paranoid", paranoid));
  if (probe.traps && kernel.at_least(6, 1)) {
    return {"perf", State::kOk, "page faults are counted where they happen (perf_event_paranoid " + paranoid + ")"};
  }
  Check check{"perf", State::kDegraded, "", "growth is seen by the fallback meter: limits are overrun by more"};
  if (probe.traps) {
    check.detail = "not used before Linux 6.1, where a blocked SIGTRAP kills";
    check.mend = "use Linux 6.1 or later";
  } else if (probe.open_error == EACCES || probe.open_error == EPERM) {
    const bool by_setting = paranoid.size() == 1 && paranoid > "2";
    check.detail = "refused (perf_event_paranoid " + paranoid + ")";
    check.mend = by_setting ? "sudo sysctl kernel.perf_event_paranoid=2"
                            : "allow perf_event_open in the seccomp profile of this container";
  } else {
    check.detail = probe.open_error == 0 ? "no signal came" : error_text(probe.open_error);
    check.mend = "use Linux 6.1 or later";
  }
  return check;
}

Check check_kernel(const KernelVersion& kernel) {
  Check check{"kernel", State::kOk, "Linux " + kernel.release};
  if (!kernel.at_least(5, 4)) {
    return {"kernel", State::kMissing, check.detail, "there is no MADV_PAGEOUT", "use Linux 5.4 or later", true};
  }
  if (!kernel.at_least(6, 1)) {
    check.lost = kernel.at_least(5, 13) ? "the fault meter: SIGTRAP by perf is unsafe"
                                        : "the fault meter: perf sends no SIGTRAP";
    check.mend = "use Linux 6.1 or later";
  } else if (!kernel.at_least(6, 7)) {
    check.lost = "PAGEMAP_SCAN: looking at memory takes longer";
    check.mend = "use Linux 6.7 or later";
  }
  check.state = check.lost.empty() ? State::kOk : State::kDegraded;
  return check;
}

Check check_huge_pages() {
  const std::string folder = "/sys/kernel/mm/transparent_hugepage/";
  const HugePages huge = read_huge_pages(raw_os());
  if (huge.unasked_kib == 0) {
    return {"huge_pages", State::kOk,
            std::string("transparent huge pages: ") + (huge.on_advice ? "for who asks" : "none of 2M")};
  }
  const std::string size = human_bytes(huge.unasked_kib * kKiB);
  return {"huge_pages", State::kDegraded, "transparent huge pages of " + size + ": always",
          "near a limit programs go without them: " + size + " at once would count as touched",
          "echo madvise | sudo tee " + folder +
              (huge.unasked_by_all ? "enabled" : "hugepages-" + std::to_string(huge.unasked_kib) + "kB/enabled")};
}

}  // namespace

std::vector<Check> check_host() {
  const KernelVersion kernel = kernel_version();
  const PageoutProbe pageout = probe_pageout();
  const Check swap = check_swap();
  return {check_kernel(kernel),
          swap,
          check_pageout(pageout, swap.state == State::kOk),
          check_pagemap(pageout),
          check_scan(pageout),
          check_perf(kernel),
          check_huge_pages()};
}

}  // namespace weir
