// supervisor.cc - fork, exec, passing signals on, and dying of the same.
#include "tools/supervisor.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <cerrno>

#include "tools/say.h"

namespace weir {
namespace {

constexpr std::array kForwarded = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH, SIGINT, SIGQUIT};

// The signals to wait for, blocked while the command runs; blocked ones are kept even where
// they are ignored, and none is lost between fork and wait.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigemptyset(&waited_);
    for (const int signal : kForwarded) {
      sigaddset(&waited_, signal);
    }
    sigaddset(&waited_, SIGCHLD);
    sigprocmask(SIG_BLOCK, &waited_, &before_);
    // Whoever ignores SIGCHLD has no child's status to wait for.
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &standard, &child_before_);
  }
  ~BlockedSignals() {
    restore();
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  void restore() const {
    sigaction(SIGCHLD, &child_before_, nullptr);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  [[nodiscard]] siginfo_t wait() const {
    siginfo_t info = {};
    while (sigwaitinfo(&waited_, &info) < 0) {
    }
    return info;
  }

 private:
  sigset_t waited_{};
  sigset_t before_{};
  struct sigaction child_before_ = {};
};

[[noreturn]] void become(const std::vector<std::string>& command, const BlockedSignals& signals, int report_fd) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  signals.restore();
  ::execvp(words[0], words.data());
  const int error = errno;
  if (report_fd < 0) {
    say(shown(command.front()) + " cannot be run: " + error_text(error));
    ::_exit(error == ENOENT ? 127 : 126);
  }
  static_cast<void>(!::write(report_fd, &error, sizeof(error)));
  ::_exit(1);
}

// What the terminal sends, the kernel sends to the whole foreground group: the command has it
// already. A hang-up is the exception: it may reach the session's first process alone.
bool is_for_command(const siginfo_t& info, pid_t command) {
  if (info.si_signo == SIGCHLD || info.si_pid == command) {
    return false;
  }
  const bool from_terminal = info.si_code == SI_KERNEL && (info.si_signo == SIGINT || info.si_signo == SIGQUIT);
  return !from_terminal;
}

int wait_for_end(pid_t command, const BlockedSignals& signals) {
  int status = 0;
  for (;;) {
    const siginfo_t info = signals.wait();
    // The command is reaped here only, so until then its pid is nobody else's.
    if (::waitpid(command, &status, WNOHANG) == command) {
      return status;
    }
    if (is_for_command(info, command)) {
      ::kill(command, info.si_signo);
    }
  }
}

}  // namespace

Ending supervise(const std::vector<std::string>& command) {
  Ending ending;
  std::array<int, 2> report{};
  // Where no descriptors are left the command may still run: then it is the child that tells of an exec that fails.
  const bool reports = ::pipe2(report.data(), O_CLOEXEC) == 0;
  if (!reports) {
    report = {-1, -1};
  }
  const BlockedSignals signals;
  ending.pid = ::fork();
  if (ending.pid == 0) {
    become(command, signals, report[1]);
  }
  if (ending.pid < 0) {
    ending.exec_error = errno;
  }
  ::close(report[1]);
  if (ending.pid > 0) {
    // Ends without a word when exec closes the other end.
    while (reports && ::read(report[0], &ending.exec_error, sizeof(ending.exec_error)) < 0 && errno == EINTR) {
    }
    ending.wait_status = wait_for_end(ending.pid, signals);
  }
  ::close(report[0]);
  return ending;
}

int end_like(const Ending& ending) {
  if (WIFEXITED(ending.wait_status)) {
    return WEXITSTATUS(ending.wait_status);
  }
  const int signal = WTERMSIG(ending.wait_status);
  // A dump of the command is worth having, one of its supervisor is not. Where dumps go to a
  // pipe the limit is not asked, hence both.
  const struct rlimit none = {0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  ::raise(signal);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  constexpr int kSignalBase = 128;
  return kSignalBase + signal;
}

}  // namespace weir
