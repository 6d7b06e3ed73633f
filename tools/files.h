// files.h - small files of /proc and /sys, and short programs run for their answer.
#pragma once

#include <string>
#include <vector>

namespace weir {

// The first 4 KiB of a file without the newline at the end; false when it cannot be read.
[[nodiscard]] bool read_text(const std::string& path, std::string& out);
// Writes into a file that is there. 0 or an errno.
[[nodiscard]] int write_text(const std::string& path, const std::string& text);

// How a program ended and what it said on stderr (and stdout). status is 128 + signal when it
// was killed, 127 when it could not be started.
struct ProgramResult {
  int status = 0;
  std::string output;
};
// Variables as "NAME=value" are added to the environment, as "NAME" removed from it.
ProgramResult run_program(const std::vector<std::string>& words, const std::vector<std::string>& variables = {});

}  // namespace weir
