// command.cc - parsing by CLI11, with one line a fault instead of its usage texts.
#include "tools/command.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "tools/say.h"

namespace weir {
namespace {

// Levenshtein's distance: steps of inserting, dropping or replacing one character.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string describe(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> surplus = app.remaining();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !surplus.empty()) {
    const bool is_option = surplus.front().size() > 1 && surplus.front().front() == '-';
    return (is_option ? "unknown option " : "unexpected argument ") + shown(surplus.front());
  }
  return harmless(error.what());
}

}  // namespace

const CommandRow& find_command(std::span<const CommandRow> rows, const std::string& name) {
  const CommandRow* nearest = nullptr;
  std::size_t nearest_distance = 3;
  for (const CommandRow& row : rows) {
    if (name == row.name) {
      return row;
    }
    const std::size_t here = distance(name, row.name);
    // Two steps turn any two-letter word into any other: a near miss keeps half of its name.
    if (here < nearest_distance && here * 2 <= std::strlen(row.name)) {
      nearest = &row;
      nearest_distance = here;
    }
  }
  const std::string hint =
      nearest == nullptr ? " (weir --help lists them)" : ": did you mean '" + std::string(nearest->name) + "'?";
  refuse("unknown command " + shown(name) + hint);
}

bool parse_words(CLI::App& app, Invocation& call) {
  app.add_option("--dir", call.directory, "Registry directory (default: WEIR_DIR, else the user's own)")
      ->type_name("DIR");
  std::vector<std::string> words(call.arguments.rbegin(), call.arguments.rend());
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    print(app.help());
    return false;
  } catch (const CLI::ParseError& error) {
    refuse(describe(app, error) + " (" + app.get_name() + " --help)");
  }
  return true;
}

void add_format(CLI::App& app, std::string& value, const char* choices) {
  app.add_option("--format", value, choices)->type_name("FORMAT");
}

DumpFormat read_format(const std::string& value, bool prometheus_too) {
  if (!prometheus_too && value != "text" && value != "json") {
    refuse_value("--format", value, "is no format of this command (text, json)");
  }
  Options options;
  apply_option(options, "WEIR_DUMP_FORMAT", "--format", value);
  return options.dump_format;
}

void apply_option(Options& options, const char* variable, std::string_view name, std::string_view value) {
  std::size_t count = 0;
  const OptionRow* rows = option_rows(&count);
  for (const OptionRow& row : std::span(rows, count)) {
    if (std::strcmp(row.variable, variable) != 0) {
      continue;
    }
    if (const char* reason = row.apply(options, value); reason != nullptr) {
      refuse_value(name, value, reason);
    }
  }
}

std::string_view read_name(const std::string& value) {
  const auto name = parse_name(value);
  if (!name.ok()) {
    refuse_value("container", value, name.reason);
  }
  return name.value;
}

}  // namespace weir
