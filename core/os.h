// os.h - the contract with the kernel: every system call and clock the logic uses, as one interface.
//
// Results are the kernel's own: a value of zero or more, or a negative errno. errno itself is
// never touched, so that an interrupted program finds it as it left it.
// RawOs is safe in signal handlers and before any constructor has run; tests derive fakes
// that fail a chosen call or move time.
#pragma once

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weir {

// What a system call returned: a value, or the errno it failed with.
class [[nodiscard]] SysResult {
 public:
  constexpr explicit SysResult(long raw) : raw_(raw) {}

  [[nodiscard]] constexpr bool ok() const {
    return raw_ >= 0;
  }
  // Precondition: ok().
  [[nodiscard]] constexpr long value() const {
    return raw_;
  }
  // The errno, positive; 0 when ok().
  [[nodiscard]] constexpr int error() const {
    return raw_ < 0 ? static_cast<int>(-raw_) : 0;
  }

 private:
  long raw_;
};

// A mapping, or the errno that refused it.
struct [[nodiscard]] MapResult {
  void* address = nullptr;
  int error = 0;

  [[nodiscard]] bool ok() const {
    return error == 0;
  }
};

// A set of cores, as the kernel takes it: a bit for each, up to 1024.
struct CpuSet {
  std::uint64_t words[16] = {};

  void add(unsigned cpu) {
    if (cpu < sizeof(words) * 8) {
      words[cpu / 64] |= std::uint64_t{1} << cpu % 64;
    }
  }
  void remove(unsigned cpu) {
    if (cpu < sizeof(words) * 8) {
      words[cpu / 64] &= ~(std::uint64_t{1} << cpu % 64);
    }
  }
  [[nodiscard]] unsigned count() const {
    unsigned cpus = 0;
    for (const std::uint64_t word : words) {
      cpus += static_cast<unsigned>(__builtin_popcountll(word));
    }
    return cpus;
  }
};

using FutexWord = std::atomic<std::uint32_t>;

// Non-virtual destruction is intended: an Os is never owned through its base, and a virtual
// destructor would make the constinit RawOs register an exit handler in every program.
class Os {
 public:
  // Files. Paths are NUL-terminated; O_CLOEXEC is added by the implementation.
  virtual SysResult open(const char* path, int flags, unsigned mode) = 0;
  virtual SysResult close(int fd) = 0;
  virtual SysResult pread(int fd, void* buffer, std::size_t bytes, std::int64_t offset) = 0;
  virtual SysResult write(int fd, const void* data, std::size_t bytes) = 0;
  virtual SysResult fstat(int fd, struct stat* out) = 0;
  virtual SysResult lstat(const char* path, struct stat* out) = 0;
  // The bytes of a symbolic link's text, without a NUL.
  virtual SysResult read_link(const char* path, char* out, std::size_t bytes) = 0;
  virtual SysResult mkdir(const char* path, unsigned mode) = 0;
  virtual SysResult fchmod(int fd, unsigned mode) = 0;
  virtual SysResult unlink(const char* path) = 0;
  // Really allocates, so that a full file system says so here and not by SIGBUS later.
  virtual SysResult allocate(int fd, std::int64_t bytes) = 0;
  virtual SysResult flock(int fd, int operation) = 0;
  virtual SysResult ioctl(int fd, unsigned long request, void* argument) = 0;

  // Directory entries as getdents64 gives them.
  virtual SysResult list(int fd, void* buffer, std::size_t bytes) = 0;
  virtual SysResult perf_open(void* attributes, int tid) = 0;

  // Memory.
  virtual MapResult map_shared(int fd, std::size_t bytes) = 0;
  virtual MapResult map_anonymous(std::size_t bytes) = 0;
  virtual SysResult unmap(void* address, std::size_t bytes) = 0;
  virtual SysResult advise(std::uintptr_t address, std::size_t bytes, int advice) = 0;
  // A byte for each page, whose bit 0 tells whether it is resident.
  virtual SysResult mincore(std::uintptr_t address, std::size_t bytes, unsigned char* out) = 0;
  // The same for another process, by its pidfd: the bytes that were advised. Takes CAP_SYS_NICE.
  virtual SysResult advise_other(int pidfd, std::uintptr_t address, std::size_t bytes, int advice) = 0;

  // Processes and threads.
  virtual int pid() = 0;
  virtual int tid() = 0;
  virtual unsigned effective_uid() = 0;
  virtual SysResult kill(int pid, int signal) = 0;
  virtual SysResult pidfd(int pid) = 0;
  virtual SysResult tgkill(int pid, int tid, int signal) = 0;
  // A queued signal with `cookie` as its value, to one thread of this process. If that calls exec before
  // it takes the signal, nobody gets it: the new program has no handler for it.
  virtual SysResult queue_signal(int tid, int signal, void* cookie) = 0;
  // The same to any thread of another process of this user.
  virtual SysResult queue_signal_to(int pid, int signal, void* cookie) = 0;
  virtual SysResult usage(struct rusage* out) = 0;
  // Faults that the calling thread has taken, of all kinds.
  virtual std::uint64_t thread_faults() = 0;
  virtual void yield() = 0;

  // Sleeps while `word` holds `expected`, at most `timeout_ns` (negative: for ever).
  // Works across processes. 0 when woken, else EAGAIN, EINTR or ETIMEDOUT.
  virtual SysResult futex_wait(FutexWord& word, std::uint32_t expected, std::int64_t timeout_ns) = 0;
  virtual SysResult futex_wake(FutexWord& word, int waiters) = 0;

  // Nanoseconds since boot, sleep included: the same clock for every process.
  virtual std::uint64_t now_ns() = 0;
  // Nanoseconds since 1970, for people.
  virtual std::uint64_t wall_ns() = 0;
  // CPU time of the calling thread in nanoseconds.
  virtual std::uint64_t thread_cpu_ns() = 0;
  // CPU time of a whole process in nanoseconds; 0 when there is none of that pid here.
  virtual std::uint64_t process_cpu_ns(int pid) = 0;
  // Cores the calling thread may run on; 0 when not known.
  virtual unsigned cores() = 0;
  // The core the calling thread runs on just now.
  virtual unsigned cpu() = 0;
  // Where a thread of this process may run; 0 is the caller. What is set must be within what is allowed.
  virtual SysResult get_cpus(int tid, CpuSet& out) = 0;
  virtual SysResult set_cpus(int tid, const CpuSet& cpus) = 0;

 protected:
  ~Os() = default;
};

// The running kernel, by inline system calls: no libc, no errno, no state.
class RawOs final : public Os {
 public:
  constexpr RawOs() = default;

  SysResult open(const char* path, int flags, unsigned mode) override;
  SysResult close(int fd) override;
  SysResult pread(int fd, void* buffer, std::size_t bytes, std::int64_t offset) override;
  SysResult write(int fd, const void* data, std::size_t bytes) override;
  SysResult fstat(int fd, struct stat* out) override;
  SysResult lstat(const char* path, struct stat* out) override;
  SysResult read_link(const char* path, char* out, std::size_t bytes) override;
  SysResult mkdir(const char* path, unsigned mode) override;
  SysResult fchmod(int fd, unsigned mode) override;
  SysResult unlink(const char* path) override;
  SysResult allocate(int fd, std::int64_t bytes) override;
  SysResult flock(int fd, int operation) override;
  SysResult ioctl(int fd, unsigned long request, void* argument) override;
  SysResult list(int fd, void* buffer, std::size_t bytes) override;
  SysResult perf_open(void* attributes, int tid) override;
  MapResult map_shared(int fd, std::size_t bytes) override;
  MapResult map_anonymous(std::size_t bytes) override;
  SysResult unmap(void* address, std::size_t bytes) override;
  SysResult advise(std::uintptr_t address, std::size_t bytes, int advice) override;
  SysResult mincore(std::uintptr_t address, std::size_t bytes, unsigned char* out) override;
  SysResult advise_other(int pidfd, std::uintptr_t address, std::size_t bytes, int advice) override;
  int pid() override;
  int tid() override;
  unsigned effective_uid() override;
  SysResult kill(int pid, int signal) override;
  SysResult pidfd(int pid) override;
  SysResult tgkill(int pid, int tid, int signal) override;
  SysResult queue_signal_to(int pid, int signal, void* cookie) override;
  SysResult queue_signal(int tid, int signal, void* cookie) override;
  SysResult usage(struct rusage* out) override;
  std::uint64_t thread_faults() override;
  void yield() override;
  SysResult futex_wait(FutexWord& word, std::uint32_t expected, std::int64_t timeout_ns) override;
  SysResult futex_wake(FutexWord& word, int waiters) override;
  std::uint64_t now_ns() override;
  std::uint64_t wall_ns() override;
  std::uint64_t thread_cpu_ns() override;
  std::uint64_t process_cpu_ns(int pid) override;
  unsigned cores() override;
  unsigned cpu() override;
  SysResult get_cpus(int tid, CpuSet& out) override;
  SysResult set_cpus(int tid, const CpuSet& cpus) override;
};

// The one real Os; usable from the first instruction of the process on.
extern constinit RawOs raw_os_instance;
constexpr RawOs& raw_os() {
  return raw_os_instance;
}

}  // namespace weir
