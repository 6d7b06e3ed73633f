// replay.cc - `weir replay`: what another limit, watermark or policy would have done with a recorded process.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/command.h"
#include "tools/human.h"
#include "tools/replay_machine.h"
#include "tools/say.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFooter =
    "Columns: what the recorded process counted itself; the policy replayed with the settings it had; and, where\n"
    "options ask for it, with others. Policies: weir (as shipped), direct (WEIR_BACKGROUND=off), refaults (no "
    "evidence\n"
    "of use: by how often memory came back), fixed (watermarks that do not move).\n\n"
    "Example:\n  weir replay weir.rec.4711 --limit 32M --high 90%";

struct Wish {
  std::string file;
  std::string policy = "weir";
  Options options;
  bool any = false;
  bool asks_limit = false;  // "none" is one, too
  bool json = false;
};

struct Policy {
  std::string_view name;
  bool background;
  bool evidence;
  bool may_adapt;
};
constexpr std::array kPolicies = {Policy{"weir", true, true, true}, Policy{"direct", false, true, true},
                                  Policy{"refaults", true, false, true}, Policy{"fixed", true, true, false}};

const Policy& policy_of(const std::string& name) {
  const auto* const found =
      std::find_if(kPolicies.begin(), kPolicies.end(), [&](const Policy& policy) { return policy.name == name; });
  if (found == kPolicies.end()) {
    refuse_value("--policy", name, "is no policy (weir, direct, refaults, fixed)");
  }
  return *found;
}

bool read_words(Invocation& call, Wish& wish) {
  CLI::App app("Runs the policy over a recording: what another limit, watermark or policy would have done.",
               "weir replay");
  app.footer(kFooter);
  std::string limit;
  std::string high;
  std::string low;
  app.add_option("FILE", wish.file, "A recording, as weir record makes them")->required();
  const CLI::Option* with_limit = app.add_option("-m,--limit", limit, "Another limit")->type_name("SIZE");
  const CLI::Option* with_high =
      app.add_option("--high", high, "Another high watermark: a size or N%")->type_name("MARK");
  const CLI::Option* with_low = app.add_option("--low", low, "Another low watermark: a size or N%")->type_name("MARK");
  const CLI::Option* with_policy =
      app.add_option("--policy", wish.policy, "weir, direct, refaults or fixed")->type_name("NAME");
  app.add_flag("--json", wish.json, "One JSON object");
  if (!parse_words(app, call)) {
    return false;
  }
  const auto apply = [&](const CLI::Option* option, const char* variable, const char* name, const std::string& value) {
    if (option->count() > 0) {
      apply_option(wish.options, variable, name, value);
      wish.any = true;
    }
  };
  apply(with_limit, "WEIR_LIMIT", "--limit", limit);
  apply(with_high, "WEIR_HIGH_WATERMARK", "--high", high);
  apply(with_low, "WEIR_LOW_WATERMARK", "--low", low);
  wish.asks_limit = with_limit->count() > 0;
  wish.any = wish.any || with_policy->count() > 0;
  static_cast<void>(policy_of(wish.policy));
  return true;
}

bool has(const ReplayRecording& recording, std::uint64_t flag) {
  return (recording.flags & flag) != 0;
}

Marks recorded_marks(const ReplayRecording& recording) {
  return recording.marks.empty() ? Marks{} : recording.marks.front().marks;
}

ReplayPlan recorded_plan(const ReplayRecording& recording) {
  ReplayPlan plan;
  plan.marks = recorded_marks(recording);
  plan.adaptive = has(recording, kRecordedAdaptive);
  plan.follows_marks = true;
  plan.background = has(recording, kRecordedBackground);
  return plan;
}

// What is not asked for stays as it was recorded; marks that nobody sets follow the limit, and move, as ever.
ReplayPlan asked_plan(const ReplayRecording& recording, const Wish& wish) {
  ReplayPlan plan = recorded_plan(recording);
  const Policy& policy = policy_of(wish.policy);
  Options options = wish.options;
  if (wish.asks_limit || options.high_set() || options.low_set()) {
    options.limit = wish.asks_limit ? options.limit : plan.marks.limit;
    if (options.limit.unlimited() && (options.high_watermark.is_percent || options.low_watermark.is_percent)) {
      refuse(std::string(options.high_watermark.is_percent ? "--high" : "--low") +
             " is a share of a limit, and there is none");
    }
    plan.marks = marks_of(options);
    plan.adaptive = options.marks_may_move();
    plan.follows_marks = false;
    if (!plan.marks.ordered()) {
      refuse("the marks clash: low is to be at most high, and high at most the limit (" + human_size(plan.marks.limit) +
             ")");
    }
  }
  plan.adaptive = plan.adaptive && policy.may_adapt;
  plan.background = plan.background && policy.background;
  plan.evidence = policy.evidence;
  return plan;
}

// One column of the answer.
struct Column {
  std::string name;
  Marks marks;
  Pages evicted;
  std::uint64_t refaults = 0;
  Pages peak;
  std::uint64_t over_high_ns = 0;
  std::uint64_t passes = 0;
  std::optional<std::uint64_t> failcnt;
  std::optional<std::uint64_t> oom_kills;
};

Column counted(const ReplayRecording& recording) {
  const RecordedCounts& counts = recording.counts;
  return {"counted",   recorded_marks(recording), counts.evicted, counts.came_back.count,
          counts.peak, counts.over_high_ns,       counts.passes,  {},
          {}};
}

Column replayed(const std::string& name, const ReplayRecording& recording, const ReplayPlan& plan) {
  const ReplayOutcome outcome = ReplayMachine(recording, plan).run();
  return {name,           plan.marks,      outcome.evicted,  outcome.refaults, outcome.peak, outcome.over_high_ns,
          outcome.passes, outcome.failcnt, outcome.oom_kills};
}

Json size_or_null(Pages pages) {
  return pages.unlimited() ? Json() : Json(pages.bytes());
}

Json json_of(const Column& column) {
  Json out;
  out["limit"] = size_or_null(column.marks.limit);
  out["high_watermark"] = size_or_null(column.marks.high);
  out["low_watermark"] = size_or_null(column.marks.low);
  out["evicted"] = column.evicted.bytes();
  out["refault"] = column.refaults;
  out["peak"] = column.peak.bytes();
  out["over_high_us"] = column.over_high_ns / 1000;
  out["passes"] = column.passes;
  if (column.failcnt) {
    out["failcnt"] = *column.failcnt;
    out["oom_kill"] = *column.oom_kills;
  }
  return out;
}

Json json_of(const ReplayRecording& recording, std::size_t bytes) {
  Json out;
  out["program"] = harmless(recording.program);
  out["container"] = harmless(recording.container);
  out["pid"] = recording.pid;
  out["bytes"] = bytes;
  out["length_us"] = recording.length_ns / 1000;
  out["complete"] = recording.complete;
  out["met_bound"] = recording.met_bound;
  out["late_changes"] = recording.lost;
  return out;
}

std::string milliseconds(std::uint64_t ns) {
  return std::to_string(ns / 1'000'000) + " ms";
}

std::string describe(const ReplayRecording& recording, std::size_t bytes) {
  std::string out = harmless(recording.program) + " (pid " + std::to_string(recording.pid) + "), " +
                    milliseconds(recording.length_ns) + ", recorded in " + human_bytes(bytes);
  if (recording.met_bound) {
    out += "; the file was full before the program ended";
  } else if (!recording.complete) {
    out += "; it has no end: the program was killed, called exec or _exit, or goes on";
  }
  return out + "\n\n";
}

std::string text_of(const std::vector<Column>& columns) {
  Table table;
  const auto row = [&](const char* name, const auto& cell) {
    std::vector<std::string> cells{name};
    std::transform(columns.begin(), columns.end(), std::back_inserter(cells), cell);
    table.add_row(std::move(cells));
  };
  const auto number = [](std::optional<std::uint64_t> value) { return value ? std::to_string(*value) : "-"; };
  row("", [](const Column& c) { return c.name; });
  row("limit", [](const Column& c) { return human_size(c.marks.limit); });
  row("high_watermark", [](const Column& c) { return human_size(c.marks.high); });
  row("low_watermark", [](const Column& c) { return human_size(c.marks.low); });
  row("evicted", [](const Column& c) { return human_size(c.evicted); });
  row("refault", [](const Column& c) { return std::to_string(c.refaults); });
  row("peak", [](const Column& c) { return human_size(c.peak); });
  row("over_high", [](const Column& c) { return milliseconds(c.over_high_ns); });
  row("passes", [](const Column& c) { return std::to_string(c.passes); });
  row("failcnt", [&](const Column& c) { return number(c.failcnt); });
  row("oom_kill", [&](const Column& c) { return number(c.oom_kills); });
  return table.text();
}

}  // namespace

int replay_main(Invocation& call) {
  Wish wish;
  if (!read_words(call, wish)) {
    return 0;
  }
  std::size_t bytes = 0;
  const ReplayRecording recording = load_recording(wish.file, bytes);
  std::vector<Column> columns = {counted(recording), replayed("replayed", recording, recorded_plan(recording))};
  if (wish.any) {
    columns.push_back(replayed("asked", recording, asked_plan(recording, wish)));
  }
  if (!wish.json) {
    print(describe(recording, bytes) + text_of(columns));
    return 0;
  }
  Json out;
  out["recording"] = json_of(recording, bytes);
  for (const Column& column : columns) {
    out[column.name] = json_of(column);
  }
  print(out.dump(2) + "\n");
  return 0;
}

}  // namespace weir
