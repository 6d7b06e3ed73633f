// run_settings.cc - the overlay of the command line over the environment.
#include "tools/run_settings.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>

#include "tools/command.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr std::string_view kName = "WEIR_CONTAINER";
constexpr std::array<std::string_view, 8> kShape = {
    "WEIR_LIMIT", "WEIR_HIGH_WATERMARK", "WEIR_LOW_WATERMARK", "WEIR_SWAP_LIMIT",
    "WEIR_OOM",   "WEIR_BACKGROUND",     "WEIR_LOAD_CONTROL",  "WEIR_PROACTIVE"};

bool is_shape(std::string_view variable) {
  return std::find(kShape.begin(), kShape.end(), variable) != kShape.end();
}

}  // namespace

void RunSettings::set(const std::string& flag, const std::string& variable, const std::string& value) {
  Options unused;
  apply_option(unused, variable.c_str(), flag, value);
  given_[variable] = {flag, value};
}

bool RunSettings::shapes_container() const {
  return std::any_of(given_.begin(), given_.end(), [](const auto& entry) { return is_shape(entry.first); });
}

void RunSettings::forget_inherited_shape() {
  inherited_shape_counts_ = false;
}

const char* RunSettings::lookup(const char* variable) const {
  if (const auto found = given_.find(variable); found != given_.end()) {
    return found->second.value.c_str();
  }
  if (!inherited_shape_counts_ && (is_shape(variable) || variable == kName)) {
    return nullptr;
  }
  return std::getenv(variable);
}

std::string RunSettings::name_of(const std::string& variable) const {
  const auto found = given_.find(variable);
  return found == given_.end() ? variable : found->second.flag;
}

std::string RunSettings::written(const char* variable) const {
  const char* value = lookup(variable);
  return name_of(variable) + " " + shown(value == nullptr ? "" : value);
}

void RunSettings::check_marks(const Options& options) const {
  const Pages high = options.high_watermark.against(options.limit);
  const Pages low = options.low_watermark.against(options.limit);
  if (options.high_set() && !options.high_watermark.is_percent && high > options.limit) {
    refuse(written("WEIR_HIGH_WATERMARK") + " is above " + written("WEIR_LIMIT"));
  }
  if (options.low_set() && !options.low_watermark.is_percent && low > options.limit) {
    refuse(written("WEIR_LOW_WATERMARK") + " is above " + written("WEIR_LIMIT"));
  }
  // Shares of a limit that is not known here are checked against the container's own.
  const bool comparable =
      !options.limit.unlimited() || (!options.high_watermark.is_percent && !options.low_watermark.is_percent);
  if (options.low_set() && options.high_set() && comparable && low > high) {
    refuse(written("WEIR_LOW_WATERMARK") + " is above " + written("WEIR_HIGH_WATERMARK"));
  }
}

Options RunSettings::read() const {
  Options options;
  std::size_t count = 0;
  const OptionRow* rows = option_rows(&count);
  for (const OptionRow& row : std::span(rows, count)) {
    if (const char* value = lookup(row.variable); value != nullptr) {
      apply_option(options, row.variable, name_of(row.variable), value);
    }
  }
  check_marks(options);
  return options;
}

Change RunSettings::change() const {
  Options options;
  for (const auto& [variable, given] : given_) {
    apply_option(options, variable.c_str(), given.flag, given.value);
  }
  Change change;
  if (given("WEIR_LIMIT")) {
    change.limit = options.limit;
    change.limit_name = name_of("WEIR_LIMIT");
  }
  if (given("WEIR_HIGH_WATERMARK")) {
    change.high = WantedMark{options.high_watermark, false, name_of("WEIR_HIGH_WATERMARK")};
  }
  if (given("WEIR_LOW_WATERMARK")) {
    change.low = WantedMark{options.low_watermark, false, name_of("WEIR_LOW_WATERMARK")};
  }
  if (given("WEIR_SWAP_LIMIT")) {
    change.swap_limit = options.swap_limit;
  }
  if (given("WEIR_OOM")) {
    change.oom = options.oom;
  }
  if (given("WEIR_BACKGROUND")) {
    change.background = options.background;
  }
  if (given("WEIR_LOAD_CONTROL")) {
    change.load_control = options.load_control;
  }
  if (given("WEIR_PROACTIVE")) {
    change.proactive = options.proactive;
  }
  if (given("WEIR_THRASH")) {
    change.thrash = options.thrash;
  }
  return change;
}

void RunSettings::store() const {
  if (!inherited_shape_counts_) {
    ::unsetenv(std::string(kName).c_str());
    for (const std::string_view variable : kShape) {
      ::unsetenv(std::string(variable).c_str());
    }
  }
  for (const auto& [variable, given] : given_) {
    ::setenv(variable.c_str(), given.value.c_str(), 1);
  }
}

}  // namespace weir
