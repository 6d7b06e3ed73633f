// fake_os.h - an Os for tests: the running kernel, with failures, files, processes and time of the test's own.
//
// Every method forwards to RawOs until the test says otherwise:
//   os.fail(Call::kAllocate, ENOSPC)       that call fails, always or a number of times;
//   os.interleave(Call::kNow, [...])       what another process does just before that call;
//   os.put_file("/proc/meminfo", "...")    a file that only this Os sees;
//   os.use_fake_processes()                /proc and /sys hold what the test put there;
//   os.set_clock(ns)                       time stands still but for advance() and sleeps.
// For one thread. Derive from it to change a method altogether.
#pragma once

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/os.h"

namespace weir::testing {

enum class Call {
  kOpen,
  kClose,
  kPread,
  kWrite,
  kFstat,
  kLstat,
  kReadLink,
  kMkdir,
  kFchmod,
  kUnlink,
  kAllocate,
  kFlock,
  kIoctl,
  kList,
  kPerfOpen,
  kMapShared,
  kMapAnonymous,
  kUnmap,
  kAdvise,
  kAdviseOther,
  kMincore,
  kKill,
  kPidfd,
  kTgkill,
  kQueueSignal,
  kUsage,
  kYield,
  kFutexWait,
  kFutexWake,
  kNow,
  kCalls,
};

// What /proc tells of a process that does not exist.
struct FakeProcess {
  std::string comm = "fake";
  char state = 'S';
  std::uint64_t start_ticks = 0;  // 1/100 s after boot
  std::uint64_t resident_pages = 0;
  std::uint64_t shared_pages = 0;
  std::uint64_t swap_kib = 0;
  int threads = 1;
  std::uint64_t user_ticks = 0;
  std::string caught = {};  // the mask of SigCgt; empty: no such line
};

class FakeOs : public Os {
 public:
  static constexpr int kAlways = -1;

  FakeOs() = default;
  virtual ~FakeOs() = default;
  FakeOs(const FakeOs&) = delete;
  FakeOs& operator=(const FakeOs&) = delete;

  // From the `after`-th call on, `times` calls fail with that errno.
  void fail(Call call, int error, int times = kAlways, int after = 0) {
    at(call).error = error;
    at(call).times = times;
    at(call).after = after;
  }
  void heal(Call call) {
    at(call).error = 0;
  }
  // Runs `action` before each such call, as if somebody else had been scheduled there.
  // Calls made by the action itself do not run it again.
  void interleave(Call call, std::function<void()> action) {
    at(call).before = std::move(action);
  }
  [[nodiscard]] int calls(Call call) const {
    return plans_[static_cast<std::size_t>(call)].count;
  }
  // Descriptors and mappings that were opened and not closed again.
  [[nodiscard]] int open_descriptors() const {
    return open_descriptors_;
  }
  [[nodiscard]] int open_mappings() const {
    return open_mappings_;
  }

  void put_file(const std::string& path, const std::string& text) {
    files_[path] = text;
  }
  void put_link(const std::string& path, const std::string& text) {
    links_[path] = text;
  }
  void remove_file(const std::string& path) {
    files_.erase(path);
  }
  void use_fake_processes() {
    fake_proc_ = true;
  }
  void add_process(int pid, const FakeProcess& process);
  void remove_process(int pid) {
    for (const char* file : {"stat", "statm", "status", "oom_score_adj"}) {
      remove_file(proc_path(pid, file));
    }
  }
  void set_pid(int pid) {
    pid_ = pid;
  }
  void set_effective_uid(unsigned uid) {
    uid_ = uid;
  }

  void set_clock(std::uint64_t ns) {
    clock_ns_ = ns;
  }
  void advance(std::uint64_t ns) {
    clock_ns_ = *clock_ns_ + ns;
  }
  void set_thread_cpu(std::uint64_t ns) {
    cpu_ns_ = ns;
  }

  SysResult open(const char* path, int flags, unsigned mode) override;
  SysResult close(int fd) override;
  SysResult pread(int fd, void* buffer, std::size_t bytes, std::int64_t offset) override;
  SysResult futex_wait(FutexWord& word, std::uint32_t expected, std::int64_t timeout_ns) override;
  MapResult map_shared(int fd, std::size_t bytes) override;
  MapResult map_anonymous(std::size_t bytes) override;
  SysResult unmap(void* address, std::size_t bytes) override;
  void yield() override;
  std::uint64_t now_ns() override;

  SysResult write(int fd, const void* data, std::size_t bytes) override {
    return plain(Call::kWrite, [&] { return raw_os().write(fd, data, bytes); });
  }
  SysResult fstat(int fd, struct stat* out) override {
    return plain(Call::kFstat, [&] { return raw_os().fstat(fd, out); });
  }
  SysResult lstat(const char* path, struct stat* out) override {
    return plain(Call::kLstat, [&] { return raw_os().lstat(path, out); });
  }
  // Links are the test's own: that which namespace it runs in changes nothing.
  SysResult read_link(const char* path, char* out, std::size_t bytes) override {
    return plain(Call::kReadLink, [&] {
      const auto found = links_.find(path);
      return found == links_.end() ? SysResult(-ENOENT) : SysResult(static_cast<long>(found->second.copy(out, bytes)));
    });
  }
  SysResult mkdir(const char* path, unsigned mode) override {
    return plain(Call::kMkdir, [&] { return raw_os().mkdir(path, mode); });
  }
  SysResult fchmod(int fd, unsigned mode) override {
    return plain(Call::kFchmod, [&] { return raw_os().fchmod(fd, mode); });
  }
  SysResult unlink(const char* path) override {
    return plain(Call::kUnlink, [&] { return raw_os().unlink(path); });
  }
  SysResult allocate(int fd, std::int64_t bytes) override {
    return plain(Call::kAllocate, [&] { return raw_os().allocate(fd, bytes); });
  }
  // A lock on a file of the test's own is always granted.
  SysResult flock(int fd, int operation) override {
    return plain(Call::kFlock, [&] { return is_fake(fd) ? SysResult(0) : raw_os().flock(fd, operation); });
  }
  SysResult ioctl(int fd, unsigned long request, void* argument) override {
    return plain(Call::kIoctl, [&] { return raw_os().ioctl(fd, request, argument); });
  }
  SysResult list(int fd, void* buffer, std::size_t bytes) override {
    return plain(Call::kList, [&] { return raw_os().list(fd, buffer, bytes); });
  }
  SysResult perf_open(void* attributes, int tid) override {
    const SysResult fd = plain(Call::kPerfOpen, [&] { return raw_os().perf_open(attributes, tid); });
    open_descriptors_ += fd.ok() ? 1 : 0;
    return fd;
  }
  SysResult advise(std::uintptr_t address, std::size_t bytes, int advice) override {
    return plain(Call::kAdvise, [&] { return raw_os().advise(address, bytes, advice); });
  }
  SysResult kill(int pid, int signal) override {
    return plain(Call::kKill, [&] { return raw_os().kill(pid, signal); });
  }
  SysResult mincore(std::uintptr_t address, std::size_t bytes, unsigned char* out) override {
    return plain(Call::kMincore, [&] { return raw_os().mincore(address, bytes, out); });
  }
  SysResult advise_other(int pidfd, std::uintptr_t address, std::size_t bytes, int advice) override {
    return plain(Call::kAdviseOther, [&] { return raw_os().advise_other(pidfd, address, bytes, advice); });
  }
  SysResult pidfd(int pid) override {
    return plain(Call::kPidfd, [&] { return raw_os().pidfd(pid); });
  }
  SysResult tgkill(int pid, int tid, int signal) override {
    return plain(Call::kTgkill, [&] { return raw_os().tgkill(pid, tid, signal); });
  }
  SysResult queue_signal_to(int pid, int signal, void* cookie) override {
    return plain(Call::kQueueSignal, [&] { return raw_os().queue_signal_to(pid, signal, cookie); });
  }
  SysResult queue_signal(int tid, int signal, void* cookie) override {
    return plain(Call::kQueueSignal, [&] { return raw_os().queue_signal(tid, signal, cookie); });
  }
  std::uint64_t thread_faults() override {
    return thread_faults_;
  }
  void add_thread_faults(std::uint64_t count) {
    thread_faults_ += count;
  }
  SysResult usage(struct rusage* out) override {
    return plain(Call::kUsage, [&] { return raw_os().usage(out); });
  }
  SysResult futex_wake(FutexWord& word, int waiters) override {
    return plain(Call::kFutexWake, [&] { return raw_os().futex_wake(word, waiters); });
  }
  int pid() override {
    return pid_.value_or(raw_os().pid());
  }
  int tid() override {
    return raw_os().tid();
  }
  unsigned effective_uid() override {
    return uid_.value_or(raw_os().effective_uid());
  }
  std::uint64_t wall_ns() override {
    return clock_ns_ ? kWallAtBoot + *clock_ns_ : raw_os().wall_ns();
  }
  std::uint64_t process_cpu_ns(int pid) override {
    return process_cpu_ns_.contains(pid) ? process_cpu_ns_[pid] : raw_os().process_cpu_ns(pid);
  }
  unsigned cores() override {
    return cores_;
  }
  unsigned cpu() override {
    return cpu_;
  }
  SysResult get_cpus(int, CpuSet& out) override {
    out = cpus;
    return SysResult(0);
  }
  SysResult set_cpus(int, const CpuSet& wanted) override {
    cpus = wanted;
    ++cpus_set;
    return SysResult(0);
  }
  void set_cpu(unsigned cpu) {
    cpu_ = cpu;
  }
  CpuSet cpus;
  int cpus_set = 0;
  void set_process_cpu(int pid, std::uint64_t ns) {
    process_cpu_ns_[pid] = ns;
  }
  void set_cores(unsigned cores) {
    cores_ = cores;
  }
  std::uint64_t thread_cpu_ns() override {
    return cpu_ns_.value_or(raw_os().thread_cpu_ns());
  }

  // With a fake clock: 2020-01-01, when the machine "booted".
  static constexpr std::uint64_t kWallAtBoot = 1'577'836'800'000'000'000ULL;

 protected:
  // Counts the call, runs what was interleaved, and gives the errno it is to fail with, or 0.
  int begin(Call call);
  static bool is_fake(int fd) {
    return fd >= kFirstFakeDescriptor;
  }

 private:
  static constexpr int kFirstFakeDescriptor = 1 << 20;

  struct Plan {
    int error = 0;
    int times = kAlways;
    int after = 0;
    int count = 0;
    std::function<void()> before;
  };

  Plan& at(Call call) {
    return plans_[static_cast<std::size_t>(call)];
  }
  template <typename Real>
  SysResult plain(Call call, const Real& real) {
    const int error = begin(call);
    return error != 0 ? SysResult(-error) : real();
  }
  template <typename Real>
  MapResult counted_map(Call call, const Real& real) {
    const int error = begin(call);
    const MapResult mapped = error != 0 ? MapResult{nullptr, error} : real();
    open_mappings_ += mapped.ok() ? 1 : 0;
    return mapped;
  }
  static std::string proc_path(int pid, const char* file) {
    return "/proc/" + std::to_string(pid) + "/" + file;
  }

  std::array<Plan, static_cast<std::size_t>(Call::kCalls)> plans_;
  std::map<std::string, std::string> files_;
  std::map<std::string, std::string> links_;
  std::map<int, std::string> opened_;
  std::optional<std::uint64_t> clock_ns_;
  std::optional<std::uint64_t> cpu_ns_;
  std::uint64_t thread_faults_ = 0;
  std::map<int, std::uint64_t> process_cpu_ns_;
  unsigned cores_ = 2;
  unsigned cpu_ = 0;
  std::optional<int> pid_;
  std::optional<unsigned> uid_;
  int next_descriptor_ = kFirstFakeDescriptor;
  int open_descriptors_ = 0;
  int open_mappings_ = 0;
  bool fake_proc_ = false;
  bool interleaving_ = false;
};

}  // namespace weir::testing

#include "tests/core/fake_os_impl.h"
