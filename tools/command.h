// command.h - what the commands have in common: the table of them, and how they read their words.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/options.h"

namespace weir {

// What is left of the command line for one command.
struct Invocation {
  std::optional<std::string> directory;  // --dir
  std::vector<std::string> arguments;
};

// One command. Its main throws CommandFault or gives the exit status.
struct CommandRow {
  const char* name;
  const char* synopsis;
  const char* help;
  int (*main)(Invocation& call);
};

int run_main(Invocation& call);
int record_main(Invocation& call);
int replay_main(Invocation& call);
int ls_main(Invocation& call);
int stat_main(Invocation& call);
int set_main(Invocation& call);
int reclaim_main(Invocation& call);
int events_main(Invocation& call);
int move_main(Invocation& call);
int kill_main(Invocation& call);
int rm_main(Invocation& call);
int doctor_main(Invocation& call);
int swap_main(Invocation& call);
int notify_main(Invocation& call);
int top_main(Invocation& call);

// The row of that name; refuses (exit 2) any other, with the nearest name if one is near.
const CommandRow& find_command(std::span<const CommandRow> rows, const std::string& name);

// Parses the arguments, to which --dir is added. False: help was asked for and printed.
// Refuses (exit 2) unknown options, missing and surplus arguments.
[[nodiscard]] bool parse_words(CLI::App& app, Invocation& call);

// Adds --format. Its value is to be read with read_format().
void add_format(CLI::App& app, std::string& value, const char* choices);
DumpFormat read_format(const std::string& value, bool prometheus_too);

// The value of an option through the table of core/options.h; refuses a bad one under `name`.
void apply_option(Options& options, const char* variable, std::string_view name, std::string_view value);
// A container's name as an argument: refuses what can be none.
std::string_view read_name(const std::string& value);

}  // namespace weir
