// jemalloc_affinity.cc - sched_getaffinity as a bare system call, for jemalloc, which counts cores with it once.
//
// It is the only function of its part of libc that every exec would call: 64 KiB of text mapped for it (the kernel's
// fault-around), of the 1 MiB that weir adds to what is resident.
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/raw_syscall.h"

#pragma GCC visibility push(hidden)
extern "C" {

// The kernel fills as much of the set as it knows cores.
int sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t* set) noexcept {
  const long filled = weir::raw_syscall(SYS_sched_getaffinity, pid, static_cast<long>(bytes), weir::sys_arg(set));
  if (filled < 0) {
    errno = static_cast<int>(-filled);
    return -1;
  }
  memset(reinterpret_cast<char*>(set) + filled, 0, bytes - static_cast<size_t>(filled));
  return 0;
}
}
#pragma GCC visibility pop
