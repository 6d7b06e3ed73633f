// oom_report.cc - opening the two places, and a line to each.
#include "preload/oom_report.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "core/text.h"
#include "preload/dump.h"
#include "preload/log.h"
#include "preload/process.h"

namespace weir {
namespace {

constexpr int kNone = -1;

class ProgramOomReport final : public OomReport {
 public:
  void begin(std::uint32_t victim) override {
    int nobody = 0;
    if (!owner_.compare_exchange_strong(nobody, raw_os().tid(), std::memory_order_acq_rel)) {
      return;  // of two containers at once: this one has its events
    }
    file_ = open_file();
    terminal_ = open_terminal(victim);
  }
  void line(std::string_view text) override {
    if (!is_mine()) {
      return;
    }
    if (!process().options.log_path.empty()) {  // a terminal has it already
      log_line(LogLevel::kError, text);
    }
    TextBuffer<192> line;
    line.add("weir: ").add(text).add_char('\n');
    for (const int fd : {file_, terminal_}) {
      if (fd != kNone) {
        static_cast<void>(raw_os().write(fd, line.view().data(), line.view().size()));
      }
    }
  }
  void end() override {
    if (!is_mine()) {
      return;
    }
    for (int* fd : {&file_, &terminal_}) {
      if (*fd != kNone) {
        static_cast<void>(raw_os().close(*fd));
      }
      *fd = kNone;
    }
    owner_.store(0, std::memory_order_release);
  }
  void forget() {
    file_ = kNone;
    terminal_ = kNone;
    owner_.store(0, std::memory_order_relaxed);
  }

 private:
  [[nodiscard]] bool is_mine() const {
    return owner_.load(std::memory_order_acquire) == raw_os().tid();
  }
  static int open_file() {
    if (dump_goes_to_stderr()) {
      return kNone;
    }
    return append_to_dump(process().options.dump_format != DumpFormat::kText ? ".oom" : "");
  }

  // The stderr of another process of ours, if it is a terminal.
  static int open_terminal(std::uint32_t pid) {
    TextBuffer<64> path;
    path.add("/proc/").add_number(pid).add("/fd/2");
    const SysResult fd = raw_os().open(path.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
    if (!fd.ok()) {
      return kNone;
    }
    struct termios unused = {};
    if (raw_os().ioctl(static_cast<int>(fd.value()), TCGETS, &unused).ok()) {
      return static_cast<int>(fd.value());
    }
    static_cast<void>(raw_os().close(static_cast<int>(fd.value())));
    return kNone;
  }

  std::atomic<int> owner_{0};
  int file_ = kNone;
  int terminal_ = kNone;
};

constinit ProgramOomReport the_report;

}  // namespace

OomReport& program_oom_report() {
  return the_report;
}

void forget_oom_report() {
  the_report.forget();
}

}  // namespace weir
