// files.cc - open, read, write, close; fork, exec, wait.
#include "tools/files.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace weir {
namespace {

std::string read_to_end(int fd, std::size_t most) {
  std::string out;
  std::array<char, 1024> buffer{};
  while (out.size() < most) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got == 0 || (got < 0 && errno != EINTR)) {
      break;
    }
    out.append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  return out;
}

[[noreturn]] void become(const std::vector<std::string>& words, const std::vector<std::string>& variables, int output) {
  for (const std::string& variable : variables) {
    const std::size_t equals = variable.find('=');
    if (equals == std::string::npos) {
      ::unsetenv(variable.c_str());
    } else {
      ::setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
    }
  }
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  constexpr int kNotFound = 127;
  ::_exit(kNotFound);
}

}  // namespace

bool read_text(const std::string& path, std::string& out) {
  constexpr std::size_t kMost = 4096;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  out = read_to_end(fd, kMost);
  ::close(fd);
  if (!out.empty() && out.back() == '\n') {
    out.pop_back();
  }
  return true;
}

int write_text(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    return errno;
  }
  const ssize_t put = ::write(fd, text.data(), text.size());
  const int error = put < 0 ? errno : 0;
  ::close(fd);
  return error;
}

ProgramResult run_program(const std::vector<std::string>& words, const std::vector<std::string>& variables) {
  constexpr std::size_t kMostOutput = 4096;
  constexpr int kSignalBase = 128;
  ProgramResult result{127, {}};
  std::array<int, 2> output{};
  if (::pipe2(output.data(), O_CLOEXEC) != 0) {
    return result;
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(words, variables, output[1]);
  }
  ::close(output[1]);
  if (pid > 0) {
    result.output = read_to_end(output[0], kMostOutput);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status);
  }
  ::close(output[0]);
  return result;
}

}  // namespace weir
