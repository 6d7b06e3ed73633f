// top_screen.cc - ncurses: drawing, keys, a change of size, and signals that end us in between.
#include "tools/top_screen.h"

// Its macros would take names such as timeout, move and clear from everybody.
#define NCURSES_NOMACROS 1
#include <curses.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "tools/say.h"

namespace weir {
namespace {

// Signals that end a program: read from a descriptor, so that none ends us between two writes to
// the terminal. Dropped at the end, for others must not find them blocked.
class HeldSignals {
 public:
  HeldSignals() {
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
      sigaddset(&held, signal);
    }
    sigprocmask(SIG_BLOCK, &held, &before_);
    fd_ = ::signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~HeldSignals() {
    ::close(fd_);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  [[nodiscard]] int fd() const {
    return fd_;
  }
  // The one that came, or 0.
  [[nodiscard]] int take() const {
    signalfd_siginfo info = {};
    return ::read(fd_, &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t before_{};
  int fd_ = -1;
};

// "#####-----" in so many columns.
std::string bar(double share, int columns) {
  const auto width = static_cast<std::size_t>(columns);
  const auto full = static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * columns));
  return std::string(full, '#') + std::string(width - full, '-');
}

void put(int y, const std::string& text) {
  ::mvaddnstr(y, 0, text.c_str(), ::getmaxx(::stdscr));
}

void put_title(int y, const TopFrame& frame) {
  ::attron(A_REVERSE);
  put(y, frame.lines.front());
  ::attroff(A_REVERSE);
  const std::size_t at = frame.lines.front().find(frame.marked);
  if (at != std::string::npos && static_cast<int>(at) < ::getmaxx(::stdscr)) {
    ::mvchgat(y, static_cast<int>(at), static_cast<int>(frame.marked.size()), A_BOLD | A_UNDERLINE, 0, nullptr);
  }
}

void put_row(int y, const std::string& line, double share) {
  constexpr int kWidest = 40;
  constexpr int kNarrowest = 8;
  const int room = std::min(kWidest, ::getmaxx(::stdscr) - static_cast<int>(line.size()) - 3);
  put(y, share >= 0 && room >= kNarrowest ? line + "  " + bar(share, room) : line);
}

// The size may have changed while we were stopped too, hence no trust in SIGWINCH alone.
void follow_size() {
  winsize size = {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
      ::is_term_resized(size.ws_row, size.ws_col)) {
    ::resizeterm(size.ws_row, size.ws_col);
  }
}

TopKey key_of(int code) {
  switch (code) {
    case 'q':
    case 'Q':
      return TopKey::kQuit;
    case KEY_LEFT:
      return TopKey::kLeft;
    case KEY_RIGHT:
    case 's':
      return TopKey::kRight;
    case KEY_UP:
      return TopKey::kUp;
    case KEY_DOWN:
      return TopKey::kDown;
    default:
      return TopKey::kNone;
  }
}

}  // namespace

struct TopScreen::Terminal {
  HeldSignals signals;
  SCREEN* screen = nullptr;
};

TopScreen::TopScreen() : terminal_(std::make_unique<Terminal>()) {
  terminal_->screen = ::newterm(nullptr, stdout, stdin);
  const bool moves = terminal_->screen != nullptr && ::tigetstr("cup") != nullptr;
  if (terminal_->screen != nullptr && !moves) {
    ::endwin();
  }
  if (!moves) {
    const char* type = std::getenv("TERM");
    fail("cannot fill a terminal of type " + shown(type == nullptr ? "" : type) + " (weir top --once prints a table)");
  }
  ::cbreak();
  ::noecho();
  ::curs_set(0);
  ::nodelay(::stdscr, true);
  ::keypad(::stdscr, true);
}

TopScreen::~TopScreen() {
  ::endwin();
  ::delscreen(terminal_->screen);
}

void TopScreen::draw(const TopFrame& frame) {
  follow_size();
  ::erase();
  put(0, frame.status);
  put_title(1, frame);
  for (std::size_t i = frame.first_row; i + 1 < frame.lines.size(); ++i) {
    const auto y = static_cast<int>(i - frame.first_row) + 2;
    if (y >= ::getmaxy(::stdscr)) {
      break;
    }
    put_row(y, frame.lines[i + 1], frame.bars[i]);
  }
  ::refresh();
}

TopKey TopScreen::wait(std::chrono::milliseconds most) {
  // ncurses may have read more keys than it gave: these do not show in poll().
  if (const TopKey early = key_of(::getch()); early != TopKey::kNone) {
    return early;
  }
  std::array<pollfd, 2> sources = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{terminal_->signals.fd(), POLLIN, 0}};
  const auto timeout = std::max<std::int64_t>(most.count(), 0);
  static_cast<void>(
      ::poll(sources.data(), sources.size(), static_cast<int>(std::min<std::int64_t>(timeout, INT32_MAX))));
  if ((sources[1].revents & POLLIN) != 0) {
    ended_by_ = terminal_->signals.take();
  }
  if (ended_by_ != 0 || (sources[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
    return TopKey::kQuit;
  }
  const int code = ::getch();
  // An end of file is a key that never comes and never stops coming.
  return (sources[0].revents & POLLIN) != 0 && code == ERR ? TopKey::kQuit : key_of(code);
}

}  // namespace weir
