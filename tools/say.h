// say.h - how the command speaks: results on stdout, one line a trouble on stderr, and early ends.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir {

// The exit statuses of the command itself; `weir run` otherwise gives its command's.
enum class ExitStatus : std::uint8_t {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kBusy = 16,
  kNotExecutable = 126,
  kNotFound = 127
};

// Ends a command: main prints the text as one line and exits with the status.
class CommandFault : public std::runtime_error {
 public:
  CommandFault(ExitStatus status, const std::string& text) : std::runtime_error(text), status_(status) {}
  [[nodiscard]] ExitStatus status() const {
    return status_;
  }

 private:
  ExitStatus status_;
};

// One line on stderr, after "weir: ".
void say(const std::string& text);
// Text for stdout. Errors are kept for finish_output().
void print(std::string_view text);
// Writes out what was printed. False: it could not be written.
[[nodiscard]] bool finish_output();
// Drops what could not be written: the reader went away, which is his right.
void abandon_output();

// A value as diagnostics show it: quoted, cut when long, without control characters.
std::string shown(std::string_view value);
// The same bytes with '?' for what a terminal would act on.
std::string harmless(std::string_view text);

// The request itself is wrong: exit 2.
[[noreturn]] void refuse(const std::string& text);
// As "--limit '64Q' has an unknown suffix".
[[noreturn]] void refuse_value(std::string_view name, std::string_view value, std::string_view reason);
// The request is right but cannot be done: exit 1.
[[noreturn]] void fail(const std::string& text);
// The words for an errno.
std::string error_text(int error);

}  // namespace weir
