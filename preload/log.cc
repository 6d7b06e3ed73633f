// log.cc - one line, one write.
//
// spdlog is the command's, where it costs nobody. Here it would bring libstdc++, with its locale
// and stream start-up, into every exec.
#include "preload/log.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "core/text.h"
#include "preload/process.h"

namespace weir {
namespace {

bool is_terminal(int fd) {
  struct termios unused = {};
  return raw_os().ioctl(fd, TCGETS, &unused).ok();
}

}  // namespace

bool is_logged(LogLevel level) {
  const LogLevel most = process().options.log_level;
  return level <= most && most != LogLevel::kOff;
}

void log_line(LogLevel level, std::string_view text) {
  if (!is_logged(level)) {
    return;
  }
  const Options& options = process().options;
  TextBuffer<640> line;
  line.add("weir[").add_number(static_cast<std::uint64_t>(raw_os().pid())).add("]: ").add(text).add_char('\n');
  if (!options.log_path.empty()) {
    // It is the end of its variable's copy, and so of a string.
    const SysResult fd = raw_os().open(options.log_path.data(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    if (fd.ok()) {
      static_cast<void>(raw_os().write(static_cast<int>(fd.value()), line.view().data(), line.view().size()));
      static_cast<void>(raw_os().close(static_cast<int>(fd.value())));
    }
    return;
  }
  constexpr int kStderr = 2;
  if (!options.log_terminal_only || is_terminal(kStderr)) {
    static_cast<void>(raw_os().write(kStderr, line.view().data(), line.view().size()));
  }
}

}  // namespace weir
