// oom_report.cc - opening the two places, and a line to each.
#include "preload/oom_report.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "core/text.h"
#include "preload/dump.h"
#include "preload/process.h"

namespace weir {
namespace {

constexpr int kNone = -1;

class ProgramOomReport final : public OomReport {
 public:
  void begin(std::uint32_t victim) override {
    file_ = open_file();
    terminal_ = open_terminal(victim);
  }
  void line(std::string_view text) override {
    TextBuffer<192> line;
    line.add("weir: ").add(text).add_char('\n');
    for (const int fd : {file_, terminal_}) {
      if (fd != kNone) {
        static_cast<void>(raw_os().write(fd, line.view().data(), line.view().size()));
      }
    }
  }
  void end() override {
    for (int* fd : {&file_, &terminal_}) {
      if (*fd != kNone) {
        static_cast<void>(raw_os().close(*fd));
      }
      *fd = kNone;
    }
  }

 private:
  static int open_file() {
    if (dump_goes_to_stderr()) {
      return kNone;
    }
    TextBuffer<3400> path;
    dump_path(path);
    if (process().options.dump_format != DumpFormat::kText) {
      path.add(".oom");
    }
    const SysResult fd = raw_os().open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
    return fd.ok() ? static_cast<int>(fd.value()) : kNone;
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

  int file_ = kNone;
  int terminal_ = kNone;
};

constinit ProgramOomReport the_report;

}  // namespace

OomReport& program_oom_report() {
  return the_report;
}

}  // namespace weir
