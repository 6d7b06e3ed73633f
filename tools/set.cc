// set.cc - `weir set`: changing a container while its members run.
#include <algorithm>

#include "core/usage.h"
#include "tools/change.h"
#include "tools/command.h"
#include "tools/human.h"
#include "tools/reclaim_passes.h"
#include "tools/say.h"
#include "tools/session.h"

namespace weir {
namespace {

template <typename T>
T value_of(const Parsed<T>& parsed, const std::string& key, std::string_view value) {
  if (!parsed.ok()) {
    refuse_value(key, value, parsed.reason);
  }
  return parsed.value;
}

bool is_none(std::string_view value) {
  return value == "none" || value == "max";
}

WantedMark read_mark(const std::string& key, std::string_view value) {
  if (is_none(value)) {
    return {Mark{}, true, key};
  }
  return {value_of(parse_mark(value), key, value), false, key};
}

Pages read_swap_limit(const std::string& key, std::string_view value) {
  return is_none(value) ? Pages::all() : Pages::holding(value_of(parse_size(value), key, value));
}

// Stores a value under its key; refuses a second one for the same.
template <typename T>
void store(std::optional<T>& target, const std::string& key, T value) {
  if (target) {
    refuse(key + " is given twice");
  }
  target = std::move(value);
}

void read_pair(Change& change, const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos) {
    refuse_value("argument", word, "is no key=value");
  }
  const std::string key = word.substr(0, equals);
  const std::string_view value = std::string_view(word).substr(equals + 1);
  if (key == "limit") {
    store(change.limit, key, value_of(parse_limit(value), key, value));
  } else if (key == "high_watermark" || key == "high") {
    store(change.high, key, read_mark(key, value));
  } else if (key == "low_watermark" || key == "low") {
    store(change.low, key, read_mark(key, value));
  } else if (key == "swap_limit") {
    store(change.swap_limit, key, read_swap_limit(key, value));
  } else if (key == "min") {
    const bool nothing = is_none(value) || value == "0";
    store(change.minimum, key, Pages::holding(nothing ? 0 : value_of(parse_size(value), key, value)));
  } else if (key == "oom") {
    store(change.oom, key, value_of(parse_oom(value), key, value));
  } else if (key == "background") {
    store(change.background, key, value_of(parse_switch(value), key, value));
  } else if (key == "load_control") {
    store(change.load_control, key, value_of(parse_switch(value), key, value));
  } else if (key == "proactive") {
    store(change.proactive, key, value_of(parse_pressure(value), key, value));
  } else if (key == "thrash") {
    store(change.thrash, key, value_of(parse_thrash(value), key, value));
  } else {
    refuse_value("key", key,
                 "is unknown (limit, high_watermark, low_watermark, swap_limit, min, oom, background, load_control, "
                 "proactive, thrash)");
  }
}

// The members' reclaimers were woken by the change, and work. Asking them for what they are about to
// give would take it twice: until usage stands still there is nothing to ask for.
void let_them_work(Session& session, ContainerId id, Pages limit) {
  constexpr std::int64_t kTurnNs = 50'000'000;
  constexpr int kMostIdleTurns = 4;
  Pages least = Pages::all();
  for (int idle = 0; idle < kMostIdleTurns && least > limit; ++idle) {
    if (const Pages usage = usage_now(session, id); usage < least) {
      least = usage;
      idle = -1;
    }
    if (least > limit) {
      FutexWord never{0};
      static_cast<void>(session.os().futex_wait(never, 0, kTurnNs));
    }
  }
}

// The new limit is below what is held: memory goes at once, not when somebody next grows. The
// limit stands however far that comes.
void come_down(Session& session, ContainerId id, const std::string& name, Pages before, Pages limit) {
  let_them_work(session, id, limit);
  ShrinkOutcome outcome = shrink_to(session, id, limit);
  outcome.before = before;
  outcome.given.done = std::max(outcome.given.done, before - outcome.after);
  print(as_text(name, outcome));
  if (!outcome.reached(limit)) {
    say(shown(name) + " is at " + human_size(outcome.after) + ", above its new limit of " + human_size(limit) +
        ": who grows there now reclaims, or meets the policy");
  }
}

}  // namespace

int set_main(Invocation& call) {
  CLI::App app("Changes a container while it runs: all of the values, or none.", "weir set");
  app.footer(
      "Keys: limit, high_watermark (high), low_watermark (low), swap_limit, min, oom,\n"
      "background, load_control, proactive, thrash.\n"
      "low_watermark <= high_watermark <= limit always holds.\n\n"
      "Example:\n  weir set build limit=64M high=48M low=75%");
  std::string name;
  std::vector<std::string> pairs;
  app.add_option("NAME", name, "Container")->required();
  app.add_option("KEY=VALUE", pairs, "What to change")->required();
  if (!parse_words(app, call)) {
    return 0;
  }
  Change change;
  std::string described;
  for (const std::string& pair : pairs) {
    read_pair(change, pair);
    described += (described.empty() ? "" : " ") + harmless(pair);
  }
  Session session(call.directory);
  const ContainerId id = session.need(read_name(name));
  const Marks marks = planned_marks(session.view().container(id), change, Defaults::kKeep, name);
  const Pages before = change.limit ? usage_now(session, id) : Pages::none();
  apply_change(session.os(), session.view(), id, change, marks, described);
  if (before > marks.limit) {
    come_down(session, id, name, before, marks.limit);
  }
  return 0;
}

}  // namespace weir
