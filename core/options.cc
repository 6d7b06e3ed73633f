// options.cc - the option table and the rules between options.
#include "core/options.h"

#include <algorithm>

namespace weir {
namespace {

const char* set_container(Options& o, std::string_view value) {
  return assign(o.container, parse_name(value));
}
const char* set_limit(Options& o, std::string_view value) {
  return assign(o.limit, parse_limit(value));
}
const char* set_high(Options& o, std::string_view value) {
  return assign(o.high_watermark, parse_mark(value));
}
const char* set_low(Options& o, std::string_view value) {
  return assign(o.low_watermark, parse_mark(value));
}
const char* set_background(Options& o, std::string_view value) {
  return assign(o.background, parse_switch(value));
}
const char* set_load_control(Options& o, std::string_view value) {
  return assign(o.load_control, parse_switch(value));
}
const char* set_thrash(Options& o, std::string_view value) {
  return assign(o.thrash, parse_thrash(value));
}
const char* set_proactive(Options& o, std::string_view value) {
  return assign(o.proactive, parse_pressure(value));
}
const char* set_threads(Options& o, std::string_view value) {
  return assign(o.threads, parse_thread_rules(value));
}
const char* set_processes(Options& o, std::string_view value) {
  return assign(o.processes, parse_process_rules(value));
}
const char* set_oom(Options& o, std::string_view value) {
  return assign(o.oom, parse_oom(value));
}
const char* set_threadless(Options& o, std::string_view value) {
  return assign(o.threadless, parse_switch(value));
}
const char* set_dump_signal(Options& o, std::string_view value) {
  return assign(o.dump_signal, parse_signal(value));
}

const char* set_swap_limit(Options& o, std::string_view value) {
  if (const auto limit = parse_limit(value); limit.ok()) {
    o.swap_limit = limit.value;
    return nullptr;
  }
  const auto size = parse_size(value);  // less than any limit may be, perhaps
  if (size.ok()) {
    o.swap_limit = Pages::holding(size.value);
  }
  return size.reason;
}

const char* set_path(std::string_view& target, std::string_view value) {
  if (value.empty()) {
    return "is empty";
  }
  if (value.size() > 3000) {
    return "is too long for a path";
  }
  target = value;
  return nullptr;
}
const char* set_dump_file(Options& o, std::string_view value) {
  return set_path(o.dump_file, value);
}
const char* set_directory(Options& o, std::string_view value) {
  if (!value.empty() && value[0] != '/') {
    return "is not an absolute path";
  }
  return set_path(o.directory, value);
}

// The processes of a tree may work in other folders than the first.
const char* set_record_file(Options& o, std::string_view value) {
  if (!value.empty() && value[0] != '/') {
    return "is not an absolute path";
  }
  return set_path(o.record_file, value);
}

const char* set_dump_format(Options& o, std::string_view value) {
  if (value == "text") {
    o.dump_format = DumpFormat::kText;
  } else if (value == "json") {
    o.dump_format = DumpFormat::kJson;
  } else if (value == "prometheus") {
    o.dump_format = DumpFormat::kPrometheus;
  } else {
    return "is no format (text, json, prometheus)";
  }
  return nullptr;
}

const char* set_meter(Options& o, std::string_view value) {
  if (value != "auto" && value != "fallback") {
    return "is no meter (auto, fallback)";
  }
  o.fallback_meter = value == "fallback";
  return nullptr;
}

struct LevelName {
  std::string_view name;
  LogLevel level;
};
constexpr std::array kLevels = {LevelName{"off", LogLevel::kOff}, LevelName{"error", LogLevel::kError},
                                LevelName{"warn", LogLevel::kWarn}, LevelName{"info", LogLevel::kInfo},
                                LevelName{"debug", LogLevel::kDebug}};

const char* set_log(Options& o, std::string_view value) {
  const std::size_t colon = value.find(':');
  const std::string_view word = value.substr(0, colon);
  const std::string_view path = colon == std::string_view::npos ? std::string_view{} : value.substr(colon + 1);
  if (colon != std::string_view::npos && (path.empty() || path.size() > 3000)) {
    return "has no usable path after ':'";
  }
  if (word == "auto" && path.empty()) {
    return nullptr;
  }
  for (const LevelName& known : kLevels) {
    if (word == known.name) {
      o.log_level = known.level;
      o.log_terminal_only = false;
      o.log_path = path;
      return nullptr;
    }
  }
  return "is no log level (auto, off, error, warn, info, debug, then optionally :path)";
}

constexpr OptionRow kRows[] = {
    {"WEIR_CONTAINER", set_container},     {"WEIR_LIMIT", set_limit},
    {"WEIR_HIGH_WATERMARK", set_high},     {"WEIR_LOW_WATERMARK", set_low},
    {"WEIR_BACKGROUND", set_background},   {"WEIR_LOAD_CONTROL", set_load_control},
    {"WEIR_THRASH", set_thrash},           {"WEIR_PROACTIVE", set_proactive},
    {"WEIR_SWAP_LIMIT", set_swap_limit},   {"WEIR_OOM", set_oom},
    {"WEIR_THREADS", set_threads},         {"WEIR_PROCESSES", set_processes},
    {"WEIR_DUMP_SIGNAL", set_dump_signal}, {"WEIR_DUMP_FILE", set_dump_file},
    {"WEIR_DUMP_FORMAT", set_dump_format}, {"WEIR_LOG", set_log},
    {"WEIR_DIR", set_directory},           {"WEIR_METER", set_meter},
    {"WEIR_THREADLESS", set_threadless},   {"WEIR_RECORD", set_record_file},
};

// Back to its default, alone: the other mark stays as it was wished.
void drop_mark(Mark& mark, GetVariable get, const char* variable, const char* reason, Complaints& complaints) {
  const char* value = get(variable);
  complaints.add({variable, value != nullptr ? value : "", reason});
  mark = {};
}

void check_marks(Options& o, GetVariable get, Complaints& complaints) {
  if (o.high_set() && o.high_watermark.against(o.limit) > o.limit) {
    drop_mark(o.high_watermark, get, "WEIR_HIGH_WATERMARK", "is above WEIR_LIMIT", complaints);
  }
  const Pages most = o.high_set() ? o.high_watermark.against(o.limit) : o.limit;
  if (o.low_set() && o.low_watermark.against(o.limit) > most) {
    drop_mark(o.low_watermark, get, "WEIR_LOW_WATERMARK",
              o.high_set() ? "is above WEIR_HIGH_WATERMARK" : "is above WEIR_LIMIT", complaints);
  }
}

void complain_of_share(const Mark& mark, GetVariable get, const char* variable, Complaints& complaints) {
  Mark dropped = mark;
  if (mark.is_percent) {
    drop_mark(dropped, get, variable, "is a share of a limit, and there is none", complaints);
  }
}

}  // namespace

void check_shares(const Options& options, GetVariable get, Complaints& complaints) {
  if (options.limit.unlimited()) {
    complain_of_share(options.high_watermark, get, "WEIR_HIGH_WATERMARK", complaints);
    complain_of_share(options.low_watermark, get, "WEIR_LOW_WATERMARK", complaints);
  }
}

const OptionRow* option_rows(std::size_t* count) {
  *count = std::size(kRows);
  return kRows;
}

Options read_options(GetVariable get, Complaints& complaints) {
  Options options;
  for (const OptionRow& row : kRows) {
    const char* value = get(row.variable);
    if (value == nullptr) {
      continue;
    }
    options.any = true;
    if (const char* reason = row.apply(options, value); reason != nullptr) {
      complaints.add({row.variable, value, reason});
    }
  }
  check_marks(options, get, complaints);
  return options;
}

Marks marks_of(const MarkOptions& options) {
  Marks marks;
  marks.limit = options.limit;
  if (options.high_set()) {
    marks.high = options.high_watermark.against(options.limit);
  } else if (!options.limit.unlimited()) {
    marks.high = Pages{options.limit.count / 8 * 7};
  }
  if (options.low_set()) {
    marks.low = options.low_watermark.against(options.limit);
    marks.high = options.high_set() ? marks.high : std::max(marks.high, marks.low);
  } else if (!marks.high.unlimited()) {
    // 3/4 of the limit, unless high was set so low that it needs room below.
    marks.low = std::min(Pages{marks.high.count / 7 * 6}, Pages{marks.limit.count / 4 * 3});
  }
  return marks;
}

}  // namespace weir
