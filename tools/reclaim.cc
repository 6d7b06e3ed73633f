// reclaim.cc - `weir reclaim`: giving memory back now, down to an amount or by one.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "core/events.h"
#include "core/stats.h"
#include "tools/command.h"
#include "tools/human.h"
#include "tools/interrupt.h"
#include "tools/reclaim_passes.h"
#include "tools/say.h"
#include "tools/session.h"

namespace weir {
namespace {

struct Wanted {
  std::string name;
  Pages target;  // usage to come down to
  bool json = false;
};

Pages read_amount(std::string_view option, const std::string& text) {
  const Parsed<std::uint64_t> size = parse_size(text);
  if (!size.ok()) {
    refuse_value(option, text, size.reason);
  }
  return Pages::holding(size.value);
}

std::string as_json(const Wanted& wanted, const ShrinkOutcome& outcome) {
  nlohmann::json stayed = nlohmann::json::object();
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    stayed[to_string(static_cast<StayReason>(i))] = outcome.given.stayed[i].bytes();
  }
  const nlohmann::json all = {{"container", wanted.name},
                              {"usage_before", outcome.before.bytes()},
                              {"usage", outcome.after.bytes()},
                              {"target", wanted.target.bytes()},
                              {"given_back", outcome.given.done.bytes()},
                              {"stayed", stayed},
                              {"members_unasked", outcome.given.unasked},
                              {"unasked_usage", outcome.given.unasked_usage.bytes()}};
  return all.dump() + "\n";
}

int run(Session& session, ContainerId id, const Wanted& wanted) {
  catch_interrupts();
  const ShrinkOutcome outcome = shrink_to(session, id, wanted.target);
  const Pages asked = outcome.before - wanted.target;
  const bool reached = outcome.reached(wanted.target);
  post_event(session.os(), session.view(),
             {EventKind::kReclaim,
              id,
              static_cast<std::uint32_t>(::getpid()),
              {asked.bytes(), outcome.given.done.bytes()},
              reached              ? "shrunk on demand"
              : interrupted() != 0 ? "shrinking on demand was interrupted"
                                   : "shrinking on demand fell short (EBUSY)"});
  print(wanted.json ? as_json(wanted, outcome) : as_text(wanted.name, outcome));
  if (!reached && interrupted() != 0) {
    constexpr int kBySignal = 128;
    return kBySignal + interrupted();
  }
  if (!reached) {
    throw CommandFault(ExitStatus::kBusy, shown(wanted.name) + " is at " + human_size(outcome.after) + ", not at " +
                                              human_size(wanted.target) + " (EBUSY)");
  }
  return 0;
}

// Goes on without the terminal; the result is in the events.
bool detached_parent() {
  const pid_t child = ::fork();
  if (child < 0) {
    fail("cannot go on in the background: " + error_text(errno));
  }
  if (child == 0) {
    ::setsid();
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      ::close(fd);
    }
  }
  return child > 0;
}

}  // namespace

int reclaim_main(Invocation& call) {
  CLI::App app("Gives memory of a container back now: purges and pages out, in one bounded pass.", "weir reclaim");
  app.footer("Exits 16 (EBUSY) when usage stays above what was asked for.\n\nExample:\n  weir reclaim build --to 300M");
  Wanted wanted;
  std::string to;
  std::string by;
  std::string format = "text";
  bool detach = false;
  app.add_option("NAME", wanted.name, "Container")->required();
  const CLI::Option* has_to = app.add_option("--to", to, "Usage to come down to");
  const CLI::Option* has_by = app.add_option("--by", by, "How much to give back");
  app.add_flag("--detach", detach, "Go on in the background; the result is in weir events");
  add_format(app, format, "text (default) or json");
  if (!parse_words(app, call)) {
    return 0;
  }
  if ((has_to->count() > 0) == (has_by->count() > 0)) {
    refuse("one of --to and --by says how much");
  }
  wanted.json = read_format(format, false) == DumpFormat::kJson;
  const Pages amount = has_to->count() > 0 ? read_amount("--to", to) : read_amount("--by", by);
  Session session(call.directory);
  const ContainerId id = session.need(read_name(wanted.name));
  const Pages usage = usage_now(session, id);
  wanted.target = has_to->count() > 0 ? amount : usage - amount;
  return detach && detached_parent() ? 0 : run(session, id, wanted);
}

}  // namespace weir
