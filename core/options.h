// options.h - every WEIR_* variable as a row of one table: name, default, help, parser.
//
// The table is the only place that knows the names. A bad value is complained of, named with
// its reason, and leaves its option at the default: it never stops the program.
// Safe before main and in signal handlers: no allocation; texts are borrowed from the environment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/group_rules.h"
#include "core/parse.h"

namespace weir {

enum class DumpFormat : std::uint32_t { kText = 0, kJson = 1, kPrometheus = 2 };
enum class LogLevel : std::uint32_t { kOff = 0, kError, kWarn, kInfo, kDebug };

// What was asked for as a container's marks.
struct MarkOptions {
  Pages limit = Pages::all();
  Mark high_watermark;  // value 0: not set
  Mark low_watermark;

  [[nodiscard]] bool high_set() const {
    return high_watermark.value != 0;
  }
  [[nodiscard]] bool low_set() const {
    return low_watermark.value != 0;
  }
  [[nodiscard]] bool marks_may_move() const {
    return !high_set() && !low_set() && !limit.unlimited();
  }
};

struct Options : MarkOptions {
  std::string_view container;  // empty: pid-<pid>
  Pages swap_limit = Pages::all();
  OomChoice oom;
  bool background = true;
  bool load_control = true;
  bool threadless = false;
  bool log_terminal_only = true;
  bool fallback_meter = false;  // WEIR_METER=fallback: as if perf were refused
  bool any = false;             // one WEIR_* variable at least was set
  std::uint32_t proactive = 0;  // hundredths of a percent of pressure to stay below; 0: off
  ThrashChoice thrash;
  GroupRules threads;  // count 0: none
  GroupRules processes;
  int dump_signal = 0;         // 0: SIGRTMAX-2
  std::string_view dump_file;  // empty: no file was named
  DumpFormat dump_format = DumpFormat::kText;
  LogLevel log_level = LogLevel::kWarn;
  std::string_view log_path;
  std::string_view directory;
  std::string_view record_file;  // empty: nothing is recorded
};

// A value that was refused. `reason` is a literal; `value` is borrowed from the environment.
struct Complaint {
  const char* variable = nullptr;
  std::string_view value;
  const char* reason = nullptr;
};

struct Complaints {
  std::array<Complaint, 24> list{};
  std::size_t count = 0;

  void add(const Complaint& complaint) {
    if (count < list.size()) {
      list[count++] = complaint;
    }
  }
};

// One row of the table.
struct OptionRow {
  const char* variable;
  // Sets the option, or returns why not.
  const char* (*apply)(Options&, std::string_view value);
};

// The rows, in the order the README shows them.
const OptionRow* option_rows(std::size_t* count);

// Gives the value of a variable, or nullptr. Injected so that tests need no environment.
using GetVariable = const char* (*)(const char* name);

// Reads every row once, then checks the marks against each other (low <= high <= limit).
Options read_options(GetVariable get, Complaints& complaints);
// For a container that is made by them: in one that is there already a share may be one of its limit.
void check_shares(const Options& options, GetVariable get, Complaints& complaints);

// The marks these options ask for: defaults filled in (7/8 and 3/4 of the limit; where high is
// set, low is at most 6/7 of it, and where low is set, high is at least that).
struct Marks {
  Pages limit = Pages::all();
  Pages high = Pages::all();
  Pages low = Pages::all();

  [[nodiscard]] bool ordered() const {
    return low <= high && high <= limit;
  }
  constexpr bool operator==(const Marks&) const = default;
};
Marks marks_of(const MarkOptions& options);

}  // namespace weir
