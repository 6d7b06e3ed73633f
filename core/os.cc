// os.cc - RawOs: each method is one system call.
#include "core/os.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include <cerrno>
#include <climits>

#include "core/raw_syscall.h"

namespace weir {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

SysResult call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  return SysResult(raw_syscall(number, a, b, c, d, e, f));
}

MapResult map(int fd, std::size_t bytes, int flags) {
  const long raw = raw_syscall(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE, flags, fd, 0);
  if (raw < 0 && raw > -4096) {
    return {nullptr, static_cast<int>(-raw)};
  }
  return {reinterpret_cast<void*>(raw), 0};
}

// The vDSO is not used: it is reached through libc's tables, which may not be relocated yet
// when the first allocation of a process comes in.
std::uint64_t clock_ns(int clock) {
  struct timespec now = {};
  raw_syscall(SYS_clock_gettime, clock, sys_arg(&now));
  return static_cast<std::uint64_t>(now.tv_sec) * kNsPerSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

// What else is pending outlives an exec (kernel/signal.c: flush_itimer_signals). The code is negative, so that it may
// go to other processes, too.
siginfo_t as_by_a_timer(int sender, int signal, void* cookie) {
  siginfo_t info = {};
  info.si_signo = signal;
  info.si_code = SI_TIMER;
  info.si_pid = sender;
  info.si_value.sival_ptr = cookie;
  return info;
}

}  // namespace

SysResult RawOs::open(const char* path, int flags, unsigned mode) {
  return call(SYS_openat, AT_FDCWD, sys_arg(path), flags | O_CLOEXEC, mode);
}
SysResult RawOs::close(int fd) {
  return call(SYS_close, fd);
}
SysResult RawOs::pread(int fd, void* buffer, std::size_t bytes, std::int64_t offset) {
  return call(SYS_pread64, fd, sys_arg(buffer), static_cast<long>(bytes), offset);
}
SysResult RawOs::write(int fd, const void* data, std::size_t bytes) {
  return call(SYS_write, fd, sys_arg(data), static_cast<long>(bytes));
}
SysResult RawOs::fstat(int fd, struct stat* out) {
  return call(SYS_fstat, fd, sys_arg(out));
}
SysResult RawOs::lstat(const char* path, struct stat* out) {
  return call(SYS_newfstatat, AT_FDCWD, sys_arg(path), sys_arg(out), AT_SYMLINK_NOFOLLOW);
}
SysResult RawOs::read_link(const char* path, char* out, std::size_t bytes) {
  return call(SYS_readlink, sys_arg(path), sys_arg(out), static_cast<long>(bytes));
}
SysResult RawOs::mkdir(const char* path, unsigned mode) {
  return call(SYS_mkdir, sys_arg(path), mode);
}
SysResult RawOs::fchmod(int fd, unsigned mode) {
  return call(SYS_fchmod, fd, mode);
}
SysResult RawOs::unlink(const char* path) {
  return call(SYS_unlink, sys_arg(path));
}
// Beyond RLIMIT_FSIZE the kernel answers with SIGXFSZ, which would kill the program: asked first.
SysResult RawOs::allocate(int fd, std::int64_t bytes) {
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  raw_syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, sys_arg(&limit));
  if (limit.rlim_cur < static_cast<rlim_t>(bytes)) {
    return SysResult(-EFBIG);
  }
  return call(SYS_fallocate, fd, 0, 0, bytes);
}
SysResult RawOs::flock(int fd, int operation) {
  return call(SYS_flock, fd, operation);
}
SysResult RawOs::ioctl(int fd, unsigned long request, void* argument) {
  return call(SYS_ioctl, fd, static_cast<long>(request), sys_arg(argument));
}
SysResult RawOs::list(int fd, void* buffer, std::size_t bytes) {
  return call(SYS_getdents64, fd, sys_arg(buffer), static_cast<long>(bytes));
}
SysResult RawOs::perf_open(void* attributes, int tid) {
  return call(SYS_perf_event_open, sys_arg(attributes), tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}
MapResult RawOs::map_shared(int fd, std::size_t bytes) {
  return map(fd, bytes, MAP_SHARED);
}
MapResult RawOs::map_anonymous(std::size_t bytes) {
  return map(-1, bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
}
SysResult RawOs::unmap(void* address, std::size_t bytes) {
  return call(SYS_munmap, sys_arg(address), static_cast<long>(bytes));
}
SysResult RawOs::advise(std::uintptr_t address, std::size_t bytes, int advice) {
  return call(SYS_madvise, static_cast<long>(address), static_cast<long>(bytes), advice);
}
SysResult RawOs::mincore(std::uintptr_t address, std::size_t bytes, unsigned char* out) {
  return call(SYS_mincore, static_cast<long>(address), static_cast<long>(bytes), sys_arg(out));
}

SysResult RawOs::advise_other(int pidfd, std::uintptr_t address, std::size_t bytes, int advice) {
  struct iovec piece = {};
  piece.iov_base = reinterpret_cast<void*>(address);
  piece.iov_len = bytes;
  return call(SYS_process_madvise, pidfd, sys_arg(&piece), 1, advice, 0);
}
int RawOs::pid() {
  return static_cast<int>(raw_syscall(SYS_getpid));
}
int RawOs::tid() {
  return static_cast<int>(raw_syscall(SYS_gettid));
}
unsigned RawOs::effective_uid() {
  return static_cast<unsigned>(raw_syscall(SYS_geteuid));
}
SysResult RawOs::kill(int pid, int signal) {
  return call(SYS_kill, pid, signal);
}
SysResult RawOs::pidfd(int pid) {
  return call(SYS_pidfd_open, pid, 0);
}
SysResult RawOs::tgkill(int pid, int tid, int signal) {
  return call(SYS_tgkill, pid, tid, signal);
}
SysResult RawOs::queue_signal(int tid, int signal, void* cookie) {
  siginfo_t info = as_by_a_timer(pid(), signal, cookie);
  return call(SYS_rt_tgsigqueueinfo, info.si_pid, tid, signal, sys_arg(&info));
}
SysResult RawOs::queue_signal_to(int target, int signal, void* cookie) {
  siginfo_t info = as_by_a_timer(pid(), signal, cookie);
  return call(SYS_rt_sigqueueinfo, target, signal, sys_arg(&info));
}
SysResult RawOs::usage(struct rusage* out) {
  return call(SYS_getrusage, RUSAGE_SELF, sys_arg(out));
}

std::uint64_t RawOs::thread_faults() {
  struct rusage usage = {};
  static_cast<void>(call(SYS_getrusage, RUSAGE_THREAD, sys_arg(&usage)));
  return static_cast<std::uint64_t>(usage.ru_minflt) + static_cast<std::uint64_t>(usage.ru_majflt);
}
void RawOs::yield() {
  raw_syscall(SYS_sched_yield);
}

SysResult RawOs::futex_wait(FutexWord& word, std::uint32_t expected, std::int64_t timeout_ns) {
  struct timespec timeout = {};
  timeout.tv_sec = timeout_ns / static_cast<std::int64_t>(kNsPerSecond);
  timeout.tv_nsec = timeout_ns % static_cast<std::int64_t>(kNsPerSecond);
  return call(SYS_futex, sys_arg(&word), FUTEX_WAIT, expected, timeout_ns < 0 ? 0 : sys_arg(&timeout));
}
SysResult RawOs::futex_wake(FutexWord& word, int waiters) {
  return call(SYS_futex, sys_arg(&word), FUTEX_WAKE, waiters);
}

std::uint64_t RawOs::now_ns() {
  return clock_ns(CLOCK_BOOTTIME);
}
std::uint64_t RawOs::wall_ns() {
  return clock_ns(CLOCK_REALTIME);
}
std::uint64_t RawOs::thread_cpu_ns() {
  return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}
std::uint64_t RawOs::process_cpu_ns(int pid) {
  // As clock_getcpuclockid(3) makes it: open to everybody, and no descriptor.
  constexpr int kSchedClock = 2;
  return clock_ns(static_cast<clockid_t>(static_cast<unsigned>(~pid) << 3 | kSchedClock));
}
unsigned RawOs::cores() {
  CpuSet cpus;
  return get_cpus(0, cpus).ok() ? cpus.count() : 0;
}
unsigned RawOs::cpu() {
  unsigned cpu = 0;
  raw_syscall(SYS_getcpu, sys_arg(&cpu), 0, 0);
  return cpu;
}
SysResult RawOs::get_cpus(int tid, CpuSet& out) {
  out = {};
  return SysResult(raw_syscall(SYS_sched_getaffinity, tid, sizeof(out.words), sys_arg(out.words)));
}
SysResult RawOs::set_cpus(int tid, const CpuSet& cpus) {
  return SysResult(raw_syscall(SYS_sched_setaffinity, tid, sizeof(cpus.words), sys_arg(cpus.words)));
}

constinit RawOs raw_os_instance;

}  // namespace weir
