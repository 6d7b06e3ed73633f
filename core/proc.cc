// proc.cc - reading the few /proc files the books depend on.
#include "core/proc.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "core/small_file.h"
#include "core/tasks.h"
#include "core/text.h"

namespace weir {
namespace {

constexpr std::uint64_t kTickNs = 10'000'000;  // USER_HZ is 100 on x86

// The n-th blank-separated number of a text, counted from 0; 0 when there is none.
std::uint64_t field(std::string_view text, int n) {
  std::size_t at = 0;
  for (; n > 0; --n) {
    at = text.find(' ', at);
    if (at == std::string_view::npos) {
      return 0;
    }
    ++at;
  }
  std::uint64_t value = 0;
  std::from_chars(text.data() + at, text.data() + text.size(), value);
  return value;
}

bool take_signals(std::string_view digits, std::uint64_t& out) {
  constexpr int kHex = 16;
  return !digits.empty() && std::from_chars(digits.data(), digits.data() + digits.size(), out, kHex).ec == std::errc{};
}

// The state, and the signals that are caught, and blocked.
void take_conduct(std::string_view text, ProcessStatus& out) {
  const std::string_view state = keyed_text(text, "\nState:");
  out.state = state.empty() ? out.state : state[0];
  out.tells_caught = take_signals(keyed_text(text, "\nSigCgt:"), out.caught) || out.tells_caught;
  static_cast<void>(take_signals(keyed_text(text, "\nSigBlk:"), out.blocked));
}

// Keeps what an earlier piece of the same file told.
void take_keys(std::string_view text, ProcessStatus& out) {
  const auto kib = [text](std::string_view key, Pages& pages) {
    pages = std::max(pages, Pages::holding(keyed_number(text, key) * kKiB));
  };
  kib("\nVmSwap:", out.swapped);
  kib("\nVmPTE:", out.page_tables);
  kib("\nVmHWM:", out.peak_resident);
  out.threads = std::max(out.threads, static_cast<std::uint32_t>(keyed_number(text, "\nThreads:")));
  out.tracer_pid = std::max(out.tracer_pid, static_cast<std::uint32_t>(keyed_number(text, "\nTracerPid:")));
  take_conduct(text, out);
}

// 0 or an errno: nothing read is not nothing resident.
int take_anonymous(std::string_view text, Pages& out) {
  if (text.empty()) {
    return EINVAL;
  }
  out = Pages{field(text, 1)} - Pages{field(text, 2)};
  return 0;
}

// Once its first thread has ended, a process' files of memory are empty; those of a thread that
// lives tell. Calls `read` with one path after the other until it says that there was something.
template <typename Read>
void read_by_threads(Os& os, std::uint32_t pid, const char* file, Read read) {
  class Reader final : public ThreadVisitor {
   public:
    Reader(std::uint32_t process, const char* name, Read& way) : pid_(process), file_(name), read_(way) {}
    bool visit(int tid) override {
      TextBuffer<64> path;
      path.add("/proc/").add_number(pid_).add("/task/");
      path.add_number(static_cast<std::uint64_t>(tid)).add_char('/').add(file_);
      return !read_(path.c_str());
    }

   private:
    std::uint32_t pid_;
    const char* file_;
    Read& read_;
  };
  Reader reader(pid, file, read);
  static_cast<void>(each_thread(os, pid, reader));
}

int take_stat(std::string_view text, ProcessStat& out) {
  // The name may hold blanks and parentheses: it ends at the last ')'.
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open || close + 2 >= text.size()) {
    return EINVAL;
  }
  const std::string_view comm = text.substr(open + 1, close - open - 1).substr(0, sizeof(out.comm) - 1);
  std::memcpy(out.comm, comm.data(), comm.size());
  out.comm[comm.size()] = '\0';
  const std::string_view rest = text.substr(close + 2);  // from field 3, the state, on
  out.state = rest[0];
  out.minor_faults = field(rest, 7);
  out.major_faults = field(rest, 9);
  out.user_ns = field(rest, 11) * kTickNs;
  out.threads = static_cast<std::uint32_t>(field(rest, 17));
  out.start_ns = field(rest, 19) * kTickNs;
  return 0;
}

}  // namespace

long read_process_file(Os& os, std::uint32_t pid, const char* file, char* buffer, std::size_t bytes) {
  TextBuffer<64> path;
  path.add("/proc/").add_number(pid).add_char('/').add(file);
  return read_small_file(os, path.c_str(), buffer, bytes);
}

int read_process_stat(Os& os, std::uint32_t pid, ProcessStat& out) {
  char buffer[512];
  const long length = read_process_file(os, pid, "stat", buffer, sizeof(buffer));
  return length < 0 ? static_cast<int>(-length) : take_stat({buffer, static_cast<std::size_t>(length)}, out);
}

int read_thread_stat(Os& os, std::uint32_t tid, ProcessStat& out) {
  char buffer[512];
  TextBuffer<64> path;
  path.add("/proc/self/task/").add_number(tid).add("/stat");
  const long length = read_small_file(os, path.c_str(), buffer, sizeof(buffer));
  return length < 0 ? static_cast<int>(-length) : take_stat({buffer, static_cast<std::size_t>(length)}, out);
}

int read_thread_name(Os& os, std::uint32_t pid, std::uint32_t tid, char (&out)[kThreadNameBytes]) {
  TextBuffer<64> path;
  path.add("/proc/").add_number(pid).add("/task/").add_number(tid).add("/comm");
  const long length = read_small_file(os, path.c_str(), out, sizeof(out));
  const long end = length > 0 && out[length - 1] == '\n' ? length - 1 : length;
  out[end < 0 ? 0 : std::min<long>(end, kThreadNameBytes - 1)] = '\0';
  return length < 0 ? static_cast<int>(-length) : 0;
}

int read_anonymous(Os& os, std::uint32_t pid, Pages& out) {
  char buffer[128];
  const long length = read_process_file(os, pid, "statm", buffer, sizeof(buffer));
  if (length < 0) {
    return static_cast<int>(-length);
  }
  const std::string_view text(buffer, static_cast<std::size_t>(length));
  const int error = take_anonymous(text, out);
  if (error == 0 && field(text, 0) == 0) {
    read_by_threads(os, pid, "statm", [&os, &buffer, &out](const char* path) {
      const long bytes = read_small_file(os, path, buffer, sizeof(buffer));
      const std::string_view other(buffer, static_cast<std::size_t>(std::max(bytes, 0L)));
      return field(other, 0) != 0 && take_anonymous(other, out) == 0;
    });
  }
  return error;
}

namespace {

// Read in pieces that overlap by more than any line with a key has: a user in a hundred groups
// has a line of a kilobyte before them.
int read_status(Os& os, const char* path, ProcessStatus& out) {
  constexpr std::int64_t kOverlap = 64;
  constexpr std::int64_t kFarEnough = 64 * kKiB;
  char buffer[1024];
  const SysResult fd = os.open(path, O_RDONLY, 0);
  if (!fd.ok()) {
    return fd.error();
  }
  out = ProcessStatus{};
  SysResult got(sizeof(buffer));
  for (std::int64_t at = 0; got.ok() && got.value() == sizeof(buffer) && at < kFarEnough;
       at += static_cast<std::int64_t>(sizeof(buffer)) - kOverlap) {
    got = os.pread(static_cast<int>(fd.value()), buffer, sizeof(buffer), at);
    if (got.ok()) {
      take_keys({buffer, static_cast<std::size_t>(got.value())}, out);
    }
  }
  static_cast<void>(os.close(static_cast<int>(fd.value())));
  return got.error();
}

}  // namespace

int read_process_status(Os& os, std::uint32_t pid, ProcessStatus& out) {
  TextBuffer<64> path;
  path.add("/proc/").add_number(pid).add("/status");
  const int error = read_status(os, path.c_str(), out);
  if (error == 0 && out.page_tables == Pages::none()) {
    read_by_threads(os, pid, "status", [&os, &out](const char* other) {
      return read_status(os, other, out) == 0 && out.page_tables != Pages::none();
    });
  }
  return error;
}

int read_swap_share(Os& os, std::uint32_t pid, Pages& out) {
  char buffer[1024];
  const long length = read_process_file(os, pid, "smaps_rollup", buffer, sizeof(buffer));
  if (length < 0) {
    return static_cast<int>(-length);
  }
  const std::string_view found = keyed_text({buffer, static_cast<std::size_t>(length)}, "\nSwapPss:");
  std::uint64_t kib = 0;
  if (std::from_chars(found.data(), found.data() + found.size(), kib).ec != std::errc{}) {
    return ESRCH;  // it has no memory any more
  }
  out = Pages::holding(kib * kKiB);
  return 0;
}

int read_oom_score_adj(Os& os, std::uint32_t pid) {
  char buffer[32];
  const long length = read_process_file(os, pid, "oom_score_adj", buffer, sizeof(buffer));
  int value = 0;
  if (length > 0) {
    std::from_chars(buffer, buffer + length, value);
  }
  return value;
}

int StatmFile::open(Os& os) {
  const SysResult fd = os.open("/proc/thread-self/statm", O_RDONLY, 0);
  fd_ = fd.ok() ? static_cast<int>(fd.value()) : -1;
  return fd.error();
}

int StatmFile::read(Os& os, Pages& anonymous) const {
  char buffer[128];
  const SysResult got = os.pread(fd_, buffer, sizeof(buffer), 0);
  if (!got.ok()) {
    return got.error();
  }
  return take_anonymous({buffer, static_cast<std::size_t>(got.value())}, anonymous);
}

}  // namespace weir
