// options_support.h - an environment that only the test sees, and options written out for comparison.
#pragma once

#include <map>
#include <string>

#include "core/options.h"

namespace weir::testing {

// read_options() takes a plain function, so the variables live in one place for all tests.
class FakeEnvironment {
 public:
  static std::map<std::string, std::string>& variables() {
    static std::map<std::string, std::string> all;
    return all;
  }
  static const char* get(const char* name) {
    const auto found = variables().find(name);
    return found == variables().end() ? nullptr : found->second.c_str();
  }
};

struct ReadResult {
  Options options;
  Complaints complaints;
};

// The texts that the result borrows live until the next call.
inline ReadResult read_with(const std::map<std::string, std::string>& variables) {
  FakeEnvironment::variables() = variables;
  ReadResult result;
  result.options = read_options(FakeEnvironment::get, result.complaints);
  return result;
}

inline std::string to_text(const Mark& mark) {
  return std::to_string(mark.value) + (mark.is_percent ? "%" : "");
}

// Every option but `any`, one a line.
inline std::string to_text(const Options& o) {
  return "container=" + std::string(o.container) + "\nlimit=" + std::to_string(o.limit.count) +
         "\nhigh=" + to_text(o.high_watermark) + "\nlow=" + to_text(o.low_watermark) +
         "\nswap_limit=" + std::to_string(o.swap_limit.count) + "\noom=" + to_string(o.oom.policy) + ":" +
         std::to_string(o.oom.pause_seconds) + "\nbackground=" + std::to_string(o.background) +
         "\nload_control=" + std::to_string(o.load_control) + "\nproactive=" + std::to_string(o.proactive) +
         "\nthrash=" + std::to_string(o.thrash.seconds) + (o.thrash.is_oom ? ":oom" : "") +
         "\nthreads=" + std::to_string(o.threads.count) + "\nprocesses=" + std::to_string(o.processes.count) +
         "\nthreadless=" + std::to_string(o.threadless) + "\ndump_signal=" + std::to_string(o.dump_signal) +
         "\ndump_file=" + std::string(o.dump_file) +
         "\ndump_format=" + std::to_string(static_cast<std::uint32_t>(o.dump_format)) +
         "\nlog_level=" + std::to_string(static_cast<std::uint32_t>(o.log_level)) +
         "\nlog_terminal_only=" + std::to_string(o.log_terminal_only) + "\nlog_path=" + std::string(o.log_path) +
         "\nrecord=" + std::string(o.record_file) + "\ndirectory=" + std::string(o.directory) +
         "\nfallback_meter=" + std::to_string(o.fallback_meter) + "\n";
}

}  // namespace weir::testing
