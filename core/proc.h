// proc.h - what /proc says of a process: resident and paged-out memory, start time, scores.
//
// Every call opens, reads and closes; a thread that keeps descriptors of its own uses
// StatmFile. Safe in signal handlers: a small buffer on the stack, no allocation.
#pragma once

#include <cstdint>

#include "core/os.h"
#include "core/units.h"

namespace weir {

// The beginning of /proc/PID/FILE, ended by a 0. Its length, or a negative errno.
long read_process_file(Os& os, std::uint32_t pid, const char* file, char* buffer, std::size_t bytes);

// /proc/PID/stat, as far as it is needed.
struct ProcessStat {
  char comm[16] = {};
  char state = '?';
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  std::uint64_t user_ns = 0;  // CPU time in user mode, of all its threads
  std::uint32_t threads = 0;
  std::uint64_t start_ns = 0;  // after boot
};

// Its memory is gone, whenever its parent may look. With threads left, only the first one ended.
inline bool is_over(const ProcessStat& stat) {
  return (stat.state == 'Z' || stat.state == 'X') && stat.threads <= 1;
}
// By SIGSTOP, or a tracer.
inline bool is_stopped(const ProcessStat& stat) {
  return stat.state == 'T' || stat.state == 't';
}

// 0 or an errno; ENOENT and ESRCH: there is no such process.
int read_process_stat(Os& os, std::uint32_t pid, ProcessStat& out);

// The same of one thread of the calling process: its own state and faults.
int read_thread_stat(Os& os, std::uint32_t tid, ProcessStat& out);

// The name of one thread of any process. 0 or an errno.
inline constexpr std::size_t kThreadNameBytes = 16;
int read_thread_name(Os& os, std::uint32_t pid, std::uint32_t tid, char (&out)[kThreadNameBytes]);

// Anonymous resident pages of a process, as statm tells them: resident minus shared.
// 0 or an errno. A process whose first thread has ended is asked by one that lives.
int read_anonymous(Os& os, std::uint32_t pid, Pages& out);

// What only /proc/PID/status tells.
struct ProcessStatus {
  Pages swapped;
  Pages page_tables;
  Pages peak_resident;  // VmHWM
  std::uint32_t threads = 0;
  std::uint32_t tracer_pid = 0;
  char state = '?';
  std::uint64_t caught = 0;  // signals with a handler, signal n as bit n - 1
  bool tells_caught = false;
  std::uint64_t blocked = 0;  // by the first thread
};
int read_process_status(Os& os, std::uint32_t pid, ProcessStatus& out);

// What a process has paged out, of pages it shares with others its part only (SwapPss). 0 or an errno. Walks its page
// tables: some 10 ms a GiB.
int read_swap_share(Os& os, std::uint32_t pid, Pages& out);

// -1000 (exempt) to 1000; 0 when it cannot be read.
int read_oom_score_adj(Os& os, std::uint32_t pid);

// The calling process' statm, kept open: for the thread that has its own descriptor table. By the
// calling thread, which lives while it reads; the first one may have ended.
class StatmFile {
 public:
  // 0 or an errno.
  int open(Os& os);
  int read(Os& os, Pages& anonymous) const;
  void forget() {
    fd_ = -1;
  }
  [[nodiscard]] bool is_open() const {
    return fd_ >= 0;
  }

 private:
  int fd_ = -1;
};

}  // namespace weir
