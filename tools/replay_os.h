// replay_os.h - the kernel, for a replay: its memory is the recorded process', its clock the recording's.
//
// Pagemap, smaps, statm and the rest of /proc answer from ReplayMemory; page-out takes its pages; sleeping moves the
// clock. What work costs in time are constants (zram on one machine): they decide how far a growing program gets
// meanwhile, and are the same for every policy that is compared.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/os.h"
#include "tools/replay_memory.h"

namespace weir {

// Who plays the program and the reclaimer thread.
class ReplayHost {
 public:
  // Work was done up to `now`: whoever runs beside it has come as far.
  virtual void worked_until(std::uint64_t now_ns) = 0;
  // The program sleeps until there is room.
  virtual void program_waits() = 0;
  virtual void reclaimer_woken(const FutexWord& word) = 0;
  // The clock is about to move from one time to another.
  virtual void time_passes(std::uint64_t from_ns, std::uint64_t to_ns) = 0;
  virtual void killed(int pid) = 0;

 protected:
  ~ReplayHost() = default;
};

class ReplayOs final : public Os {
 public:
  static constexpr int kSelf = 1000;
  static constexpr int kOthers = 1001;  // stands for the container's other members
  static constexpr std::uint64_t kPageOutNs = 2000;
  static constexpr std::uint64_t kRefaultNs = 2400;
  static constexpr std::uint64_t kCallNs = 1000;
  static constexpr std::uint64_t kScannedPageNs = 5;
  static constexpr std::uint64_t kStartNs = 1'000'000'000'000;

  ReplayOs(ReplayMemory& memory, ReplayHost& host) : memory_(memory), host_(host) {}
  ~ReplayOs();
  ReplayOs(const ReplayOs&) = delete;
  ReplayOs& operator=(const ReplayOs&) = delete;

  void move_clock_to(std::uint64_t ns);
  // -1: there is nobody else, or he was killed.
  void set_others(std::int64_t pages) {
    others_ = pages;
  }

  SysResult open(const char* path, int flags, unsigned mode) override;
  SysResult close(int fd) override;
  SysResult pread(int fd, void* buffer, std::size_t bytes, std::int64_t offset) override;
  SysResult ioctl(int fd, unsigned long request, void* argument) override;
  MapResult map_anonymous(std::size_t bytes) override;
  SysResult unmap(void* address, std::size_t bytes) override;
  SysResult advise(std::uintptr_t address, std::size_t bytes, int advice) override;
  SysResult kill(int pid, int signal) override;
  SysResult usage(struct rusage* out) override;
  std::uint64_t thread_faults() override {
    return 0;
  }
  SysResult futex_wait(FutexWord& word, std::uint32_t expected, std::int64_t timeout_ns) override;
  SysResult futex_wake(FutexWord& word, int waiters) override;

  // What a policy has no business with.
  SysResult write(int, const void*, std::size_t bytes) override {
    return SysResult(static_cast<long>(bytes));
  }
  SysResult fstat(int, struct stat*) override {
    return refused();
  }
  SysResult lstat(const char*, struct stat*) override {
    return refused();
  }
  SysResult read_link(const char*, char*, std::size_t) override {
    return refused();
  }
  SysResult mkdir(const char*, unsigned) override {
    return refused();
  }
  SysResult fchmod(int, unsigned) override {
    return refused();
  }
  SysResult unlink(const char*) override {
    return refused();
  }
  SysResult allocate(int, std::int64_t) override {
    return refused();
  }
  SysResult flock(int, int) override {
    return SysResult(0);
  }
  SysResult list(int, void*, std::size_t) override {
    return SysResult(0);
  }
  SysResult perf_open(void*, int) override {
    return refused();
  }
  MapResult map_shared(int, std::size_t) override;
  SysResult pidfd(int) override {
    return refused();
  }
  SysResult mincore(std::uintptr_t, std::size_t, unsigned char*) override {
    return SysResult(-ENOSYS);
  }
  SysResult advise_other(int, std::uintptr_t, std::size_t, int) override {
    return refused();
  }
  SysResult queue_signal_to(int, int, void*) override {
    return SysResult(0);
  }
  SysResult tgkill(int, int, int) override {
    return SysResult(0);
  }
  SysResult queue_signal(int, int, void*) override {
    return SysResult(0);
  }

  int pid() override {
    return kSelf;
  }
  int tid() override {
    return kSelf;
  }
  unsigned effective_uid() override {
    return 0;
  }
  void yield() override {
    move_clock_to(clock_ns_ + kCallNs);
  }
  std::uint64_t now_ns() override {
    return clock_ns_;
  }
  std::uint64_t wall_ns() override {
    return clock_ns_;
  }
  std::uint64_t thread_cpu_ns() override {
    return clock_ns_;
  }
  std::uint64_t process_cpu_ns(int) override {
    return clock_ns_;
  }
  unsigned cores() override {
    return 2;
  }
  unsigned cpu() override {
    return 0;
  }
  SysResult get_cpus(int, CpuSet&) override {
    return refused();
  }
  SysResult set_cpus(int, const CpuSet&) override {
    return refused();
  }

 private:
  static SysResult refused();
  [[nodiscard]] std::string text_of(const std::string& path) const;
  [[nodiscard]] std::string process_file(int pid, const std::string& file) const;
  [[nodiscard]] std::string smaps() const;

  ReplayMemory& memory_;
  ReplayHost& host_;
  std::uint64_t clock_ns_ = kStartNs;
  std::int64_t others_ = -1;
  bool dead_ = false;
  int next_fd_ = 3;
  std::map<int, std::string> paths_;
  std::map<int, std::string> texts_;  // as they were when last read from the start
  std::map<std::uintptr_t, std::size_t> mapped_;
};

}  // namespace weir
