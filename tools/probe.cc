// probe.cc - trying out perf, page-out and pagemap.
#include "tools/probe.h"

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "reclaim/pagemap.h"

namespace weir {
namespace {

constexpr std::size_t kProbeBytes = kMiB;
volatile sig_atomic_t traps_seen = 0;

// A private mapping of small pages, each written to.
void* touched_memory() {
  void* memory = ::mmap(nullptr, kProbeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return nullptr;
  }
  ::madvise(memory, kProbeBytes, MADV_NOHUGEPAGE);
  std::memset(memory, 'w', kProbeBytes);
  return memory;
}

// As the library's fault meter opens it, but for the period.
int open_fault_counter() {
  perf_event_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_SW_PAGE_FAULTS;
  attributes.sample_period = 16;
  attributes.sample_type = PERF_SAMPLE_ADDR;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.inherit = 1;
  attributes.inherit_thread = 1;
  attributes.remove_on_exec = 1;
  attributes.sigtrap = 1;
  const long fd = ::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

constexpr int kTrapsCame = 0;
constexpr int kNoTraps = 255;

// In a child: a kernel that forces the signal on us kills the child, not the doctor.
[[noreturn]] void try_traps() {
  struct sigaction action = {};
  action.sa_handler = [](int) { traps_seen = traps_seen + 1; };
  ::sigaction(SIGTRAP, &action, nullptr);
  if (const int fd = open_fault_counter(); fd < 0) {
    ::_exit(-fd);  // an errno is less than 255
  }
  static_cast<void>(touched_memory());
  ::_exit(traps_seen > 0 ? kTrapsCame : kNoTraps);
}

}  // namespace

PerfProbe probe_perf() {
  PerfProbe probe;
  const pid_t child = ::fork();
  if (child == 0) {
    try_traps();
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) {
    probe.open_error = errno;
    return probe;
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kNoTraps;
  probe.traps = code == kTrapsCame;
  probe.open_error = code == kTrapsCame || code == kNoTraps ? 0 : code;
  return probe;
}

PageoutProbe probe_pageout() {
  PageoutProbe probe;
  ScanBuffer buffer;
  Pagemap pagemap(buffer);
  probe.pagemap_error = pagemap.open(raw_os());
  void* memory = touched_memory();
  if (memory == nullptr) {
    probe.advise_error = ENOMEM;
    return probe;
  }
  if (::madvise(memory, kProbeBytes, MADV_PAGEOUT) != 0) {
    probe.advise_error = errno;
  }
  if (probe.pagemap_error == 0) {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory);
    PageCounter left;
    probe.pagemap_error = pagemap.scan(raw_os(), {begin, begin + kProbeBytes}, left);
    probe.has_scan = pagemap.has_scan();
    probe.pages = kProbeBytes / kPageBytes;
    probe.stayed = left.pages().count;
    pagemap.close(raw_os());
  }
  ::munmap(memory, kProbeBytes);
  return probe;
}

KernelVersion kernel_version() {
  KernelVersion version;
  struct utsname names = {};
  if (::uname(&names) == 0) {
    version.release = names.release;
    char* rest = nullptr;
    constexpr int kDecimal = 10;
    version.major = static_cast<int>(std::strtol(names.release, &rest, kDecimal));
    version.minor = *rest == '.' ? static_cast<int>(std::strtol(rest + 1, nullptr, kDecimal)) : 0;
  }
  return version;
}

}  // namespace weir
