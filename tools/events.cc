// events.cc - `weir events`: what happened, from the registry's ring.
#include "core/events.h"

#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/event_words.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/moment.h"
#include "tools/say.h"
#include "tools/session.h"

namespace weir {
namespace {

constexpr int kPollMs = 200;

struct Wish {
  std::string name;  // empty: all containers
  bool follow = false;
  bool json = false;
};

// Events keep the last 63 bytes of a name.
bool is_about(const Event& event, std::string_view name) {
  constexpr std::size_t kKept = sizeof(event.container_name) - 1;
  const std::string_view about(event.container_name);
  if (name.empty() || about == name.substr(name.size() > kKept ? name.size() - kKept : 0)) {
    return true;
  }
  return about.size() > name.size() && about.substr(0, name.size()) == name && about[name.size()] == '/';
}

// [limit 67108864, high_watermark 60397977]
std::string numbers_of(const Event& event) {
  const EventNumberNames names = number_names(event.kind);
  std::string out;
  for (std::size_t i = 0; i < std::size(names.name); ++i) {
    if (!names.name[i].empty()) {
      out += (out.empty() ? " [" : ", ") + std::string(names.name[i]) + " " + std::to_string(event.value[i]);
    }
  }
  return out.empty() || (event.value[0] == 0 && event.value[1] == 0) ? "" : out + "]";
}

nlohmann::ordered_json numbers_as_json(const Event& event) {
  const EventNumberNames names = number_names(event.kind);
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < std::size(names.name); ++i) {
    if (!names.name[i].empty()) {
      out[std::string(names.name[i])] = event.value[i];
    }
  }
  return out;
}

std::string as_line(const Event& event) {
  std::string line = timestamp(event.wall_ns) + " " + harmless(event.container_name) + " " + to_string(event.kind) +
                     " pid " + std::to_string(event.pid);
  if (event.text[0] != '\0') {
    line += ": " + harmless(event.text);
  }
  return line + numbers_of(event) + "\n";
}

std::string as_json(const Event& event) {
  const nlohmann::ordered_json out = {{"number", event.number},
                                      {"time", timestamp(event.wall_ns)},
                                      {"time_us", event.wall_ns / 1000},
                                      {"container", event.container_name},
                                      {"kind", to_string(event.kind)},
                                      {"pid", event.pid},
                                      {"text", event.text},
                                      {"values", numbers_as_json(event)}};
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// Prints what is there from `next` on. True when one event at least was about what is wished.
bool print_new(const RegistryView& view, const Wish& wish, std::uint64_t& next, Unfinished unfinished) {
  bool any = false;
  std::uint64_t missed = 0;
  for (Event event; read_event(view, next, event, missed, unfinished);) {
    if (is_about(event, wish.name)) {
      print(wish.json ? as_json(event) : as_line(event));
      any = true;
    }
  }
  if (missed > 0) {
    say(std::to_string(missed) + " events were overwritten before they could be read");
  }
  return any;
}

// Sleeps a turn. False: nobody reads our output any more.
bool wait_a_turn() {
  struct pollfd reader = {STDOUT_FILENO, 0, 0};
  static_cast<void>(::poll(&reader, 1, kPollMs));
  return (reader.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

void follow(Session& session, const Wish& wish, std::uint64_t next) {
  // An event that somebody is just writing is waited for, a second at most: its writer may be dead.
  constexpr int kMostTurns = 1000 / kPollMs;
  std::uint64_t seen = next;
  for (int turns = 0; interrupted() == 0; ++turns) {
    if (!finish_output() || !wait_a_turn()) {
      abandon_output();
      return;
    }
    if (session.open_newer()) {
      next = 0;
    }
    if (session.view().is_open()) {
      print_new(session.view(), wish, next, turns < kMostTurns ? Unfinished::kWait : Unfinished::kPassOver);
    }
    if (turns >= kMostTurns || next != seen) {
      turns = 0;
    }
    seen = next;
  }
}

void show(Session& session, const Wish& wish) {
  const bool open = wish.follow ? session.open() : session.open_or_say();
  std::uint64_t next = open ? oldest_event(session.view()) : 0;
  const bool any =
      open && print_new(session.view(), wish, next, wish.follow ? Unfinished::kWait : Unfinished::kPassOver);
  if (next > 0 && open && oldest_event(session.view()) > 0 && !wish.follow) {
    say("the registry keeps the last " + std::to_string(kMaxEvents) + " events; what was before is gone");
  }
  ContainerId id;
  if (!wish.name.empty() && !any && (!open || !session.find(wish.name, id))) {
    fail("there is no container " + shown(wish.name) + " (weir ls lists them)");
  }
  if (wish.follow) {
    follow(session, wish, next);
  }
}

}  // namespace

int events_main(Invocation& call) {
  CLI::App app("Shows what happened: in one container and those below it, or in all.", "weir events");
  app.footer("Example:\n  weir events build --follow --format json");
  Wish wish;
  std::string format = "text";
  const CLI::Option* named = app.add_option("NAME", wish.name, "Container; without it, all of them");
  app.add_flag("-f,--follow", wish.follow, "Go on with new events as they come");
  add_format(app, format, "text (default) or json, one object a line");
  if (!parse_words(app, call)) {
    return 0;
  }
  wish.json = read_format(format, false) == DumpFormat::kJson;
  if (named->count() > 0) {
    static_cast<void>(read_name(wish.name));
  }
  Session session(call.directory);
  if (wish.follow) {
    catch_interrupts();
    ::signal(SIGPIPE, SIG_IGN);
  }
  show(session, wish);
  return 0;
}

}  // namespace weir
