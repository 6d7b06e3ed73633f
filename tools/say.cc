// say.cc - spdlog behind the command's diagnostics, stdio behind its results.
#include "tools/say.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <stdio_ext.h>

#include <cstdio>
#include <memory>
#include <system_error>

namespace weir {
namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> kLogger = [] {
    auto made = std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::stderr_sink_st>());
    made->set_pattern("weir: %v");
    return made;
  }();
  return *kLogger;
}

}  // namespace

void say(const std::string& text) {
  // As an argument, never as the format: the text may hold braces.
  logger().warn("{}", text);
  logger().flush();
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

bool finish_output() {
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

void abandon_output() {
  ::__fpurge(stdout);
  std::clearerr(stdout);
}

std::string harmless(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      c = '?';
    }
  }
  return out;
}

std::string shown(std::string_view value) {
  constexpr std::size_t kMostShown = 60;
  const bool cut = value.size() > kMostShown;
  return "'" + harmless(value.substr(0, kMostShown)) + (cut ? "...'" : "'");
}

void refuse(const std::string& text) {
  throw CommandFault(ExitStatus::kUsage, text);
}

void refuse_value(std::string_view name, std::string_view value, std::string_view reason) {
  refuse(std::string(name) + " " + shown(value) + " " + std::string(reason));
}

void fail(const std::string& text) {
  throw CommandFault(ExitStatus::kFailed, text);
}

std::string error_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace weir
