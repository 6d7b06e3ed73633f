// notify.cc - `weir notify`: tells whoever reads its output of a container's usage crossing a size, or of pressure.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/usage.h"
#include "tools/command.h"
#include "tools/moment.h"
#include "tools/notify_pressure.h"
#include "tools/say.h"
#include "tools/session.h"
#include "tools/shell.h"
#include "tools/watched.h"

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The books are a sum in shared memory, so looking often costs next to nothing.
constexpr milliseconds kTurn{50};

struct Wish {
  std::string name;
  std::uint64_t threshold = 0;  // bytes
  bool below = false;
  std::optional<PressureTrigger> trigger;  // instead of the threshold
  std::uint64_t count = 0;                 // 0: for ever
  std::optional<milliseconds> timeout;
  std::string timeout_text;
  std::string command;
  bool json = false;

  [[nodiscard]] const char* direction() const {
    return below ? "below" : "above";
  }
  [[nodiscard]] bool is_beyond(Pages usage) const {
    return below ? usage.bytes() < threshold : usage.bytes() > threshold;
  }
};

std::string as_line(const Wish& wish, Pages usage, std::uint64_t wall_ns) {
  return timestamp(wall_ns) + " " + wish.name + " usage " + std::to_string(usage.bytes()) + " " + wish.direction() +
         " " + std::to_string(wish.threshold) + "\n";
}

std::string as_json(const Wish& wish, Pages usage, std::uint64_t wall_ns) {
  const nlohmann::ordered_json out = {{"time", timestamp(wall_ns)},  {"time_us", wall_ns / 1000},
                                      {"container", wish.name},      {"usage", usage.bytes()},
                                      {"threshold", wish.threshold}, {"direction", wish.direction()}};
  return out.dump() + "\n";
}

void run_command(const Wish& wish, Pages usage) {
  ::setenv("WEIR_NOTIFY_CONTAINER", wish.name.c_str(), 1);
  ::setenv("WEIR_NOTIFY_USAGE", std::to_string(usage.bytes()).c_str(), 1);
  ::setenv("WEIR_NOTIFY_THRESHOLD", std::to_string(wish.threshold).c_str(), 1);
  run_shell("--exec", wish.command);
}

// Sleeps a turn. False: nobody reads our output any more.
bool wait_a_turn(milliseconds turn) {
  struct pollfd reader = {STDOUT_FILENO, 0, 0};
  static_cast<void>(::poll(&reader, 1, static_cast<int>(turn.count())));
  return (reader.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

// Prints a line at once. False: it could not be printed; that the reader went away is his right,
// anything else main reports.
bool print_now(const std::string& line) {
  print(line);
  if (finish_output()) {
    return true;
  }
  if (errno == EPIPE) {
    abandon_output();
  }
  return false;
}

// Prints the crossing, then runs the command. False: it could not be printed.
bool tell(const Session& session, const Wish& wish, Pages usage) {
  const std::uint64_t wall_ns = session.os().wall_ns();
  if (!print_now(wish.json ? as_json(wish, usage, wall_ns) : as_line(wish, usage, wall_ns))) {
    return false;
  }
  if (!wish.command.empty()) {
    run_command(wish, usage);
  }
  return true;
}

// What is left of the timeout, but no more than a turn. Fails (exit 1) when nothing is.
milliseconds next_turn(const Wish& wish, steady_clock::time_point since) {
  if (!wish.timeout) {
    return kTurn;
  }
  const auto waited = std::chrono::duration_cast<milliseconds>(steady_clock::now() - since);
  if (waited >= *wish.timeout) {
    const std::string what = wish.trigger ? "pressure of " + shown(wish.name) + " was not seen"
                                          : "usage of " + shown(wish.name) + " was not seen to go " + wish.direction() +
                                                " " + std::to_string(wish.threshold);
    fail(what + " within " + wish.timeout_text + " s");
  }
  return std::min(kTurn, *wish.timeout - waited);
}

// What one look brought.
enum class Seen { kNothing, kSomething, kEnough };

// Looks turn after turn until there was enough, or nobody reads our output. Fails (exit 1) when the
// container is gone, and when nothing was seen for too long.
template <typename Look>
void watch(Session& session, const Wish& wish, Look look) {
  Watched container(session, wish.name);
  auto since = steady_clock::now();
  for (ContainerId id; container.find(id);) {
    const Seen seen = look(id);
    if (seen == Seen::kEnough) {
      return;
    }
    since = seen == Seen::kSomething ? steady_clock::now() : since;
    if (!wait_a_turn(next_turn(wish, since))) {
      abandon_output();
      return;
    }
  }
  fail("container " + shown(wish.name) + " is gone");
}

void watch_pressure(Session& session, const Wish& wish) {
  PressureGauge gauge(session, wish.name, *wish.trigger);
  std::uint64_t told = 0;
  watch(session, wish, [&](ContainerId id) {
    const std::uint64_t stalled_us = gauge.read(id);
    if (stalled_us == 0) {
      return Seen::kNothing;
    }
    return !print_now(gauge.line(stalled_us, wish.json)) || ++told == wish.count ? Seen::kEnough : Seen::kSomething;
  });
}

void watch_usage(Session& session, const Wish& wish) {
  std::uint64_t crossings = 0;
  // What is beyond from the start counts as a crossing: it may have happened a moment before.
  bool was_beyond = false;
  watch(session, wish, [&](ContainerId id) {
    const Pages usage = usage_of(session.view(), id);
    const bool beyond = wish.is_beyond(usage);
    if (std::exchange(was_beyond, beyond) || !beyond) {
      return Seen::kNothing;
    }
    return !tell(session, wish, usage) || ++crossings == wish.count ? Seen::kEnough : Seen::kSomething;
  });
}

std::uint64_t read_count(const std::string& text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count == 0) {
    refuse_value("--count", text, "is no number of crossings from 1 up");
  }
  return count;
}

std::uint64_t read_threshold(const std::string& text) {
  const auto size = parse_size(text);
  if (!size.ok()) {
    refuse_value("--usage", text, size.reason);
  }
  return size.value;
}

// The words as they were given.
struct Words {
  std::optional<std::string> usage;
  std::optional<std::string> pressure;
  std::string format = "text";
  std::optional<std::string> count;
  std::optional<std::string> timeout;
  std::optional<std::string> command;
};

// False: help was asked for.
bool read_words(Invocation& call, Wish& wish, Words& words) {
  CLI::App app("Waits until a container's usage crosses a size, or is under pressure; says so.", "weir notify");
  app.footer("Example:\n  weir notify build --usage 400M --exec 'weir reclaim build --to 300M'");
  app.add_option("NAME", wish.name, "Container")->required();
  app.add_option("--usage", words.usage, "The size to cross")->type_name("SIZE");
  app.add_option("--pressure", words.pressure, "Stalls to tell of, as the kernel's PSI has it: 'some US WINDOW_US'")
      ->type_name("TRIGGER");
  app.add_flag("--below", wish.below, "Wait for usage below it, not above");
  app.add_option("--count", words.count, "End after N crossings (default: go on)")->type_name("N");
  app.add_option("--timeout", words.timeout, "End with 1 after that long without one")->type_name("SECONDS");
  app.add_option("--exec", words.command, "Run by /bin/sh at each crossing")->type_name("COMMAND");
  add_format(app, words.format, "text (default) or json, one object a line");
  return parse_words(app, call);
}

bool read_wish(Invocation& call, Wish& wish) {
  Words words;
  if (!read_words(call, wish, words)) {
    return false;
  }
  static_cast<void>(read_name(wish.name));
  if (words.usage.has_value() == words.pressure.has_value()) {
    refuse("either --usage or --pressure says what to wait for");
  }
  if (words.pressure && (wish.below || words.command)) {
    refuse("--pressure goes without --below and --exec");
  }
  if (words.pressure) {
    wish.trigger = read_trigger(*words.pressure);
  } else {
    wish.threshold = read_threshold(*words.usage);
  }
  wish.count = words.count ? read_count(*words.count) : 0;
  if (words.timeout) {
    wish.timeout = read_seconds("--timeout", *words.timeout, milliseconds{1});
    wish.timeout_text = *words.timeout;
  }
  if (words.command && words.command->empty()) {
    refuse_value("--exec", *words.command, "is no command");
  }
  wish.command = words.command.value_or("");
  wish.json = read_format(words.format, false) == DumpFormat::kJson;
  return true;
}

}  // namespace

int notify_main(Invocation& call) {
  Wish wish;
  if (!read_wish(call, wish)) {
    return 0;
  }
  if (::fcntl(STDOUT_FILENO, F_GETFD) < 0) {
    fail("the output is closed: nobody would learn of a crossing");
  }
  // A reader that left shall show as an error to end by; an ignored SIGCHLD would hide how --exec ended.
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  Session session(call.directory);
  static_cast<void>(session.need(wish.name));
  wish.trigger ? watch_pressure(session, wish) : watch_usage(session, wish);
  return 0;
}

}  // namespace weir
