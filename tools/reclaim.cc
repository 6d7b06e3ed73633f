// reclaim.cc - `weir reclaim`: giving memory back now, down to an amount or by one.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "core/events.h"
#include "core/stats.h"
#include "tools/command.h"
#include "tools/human.h"
#include "tools/reclaim_ask.h"
#include "tools/say.h"
#include "tools/session.h"

namespace weir {
namespace {

constexpr int kMostPasses = 3;

struct Wanted {
  std::string name;
  Pages target;  // usage to come down to
  bool json = false;
};

struct Outcome {
  Pages before;
  Pages after;
  GivenBack given;
};

Pages read_amount(std::string_view option, const std::string& text) {
  const Parsed<std::uint64_t> size = parse_size(text);
  if (!size.ok()) {
    refuse_value(option, text, size.reason);
  }
  return Pages::holding(size.value);
}

Pages usage_now(Session& session, const Subtree& subtree) {
  refresh_members(session.os(), session.view(), subtree);
  return usage_of(session.view(), subtree);
}

void add(GivenBack& total, const GivenBack& pass) {
  total.done = total.done + pass.done;
  for (std::size_t i = 0; i < total.stayed.size(); ++i) {
    total.stayed[i] = std::max(total.stayed[i], pass.stayed[i]);
  }
  total.unasked = pass.unasked;
  total.unasked_usage = pass.unasked_usage;
}

// Shows how far it came, where somebody watches.
void show_progress(Pages done, Pages wanted) {
  if (::isatty(STDERR_FILENO) != 0) {
    const std::string line = "\rreclaim: " + human_size(done) + " of " + human_size(wanted) + "   ";
    static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()));
  }
}

// Passes until the target is reached or a pass brings nothing: members give unevenly.
Outcome reclaim(Session& session, const Subtree& subtree, Pages target) {
  Outcome outcome;
  outcome.before = outcome.after = usage_now(session, subtree);
  const Pages wanted = outcome.before - target;
  for (int pass = 0; pass < kMostPasses && outcome.after > target; ++pass) {
    const Pages so_far = outcome.given.done;
    const GivenBack given = ask_members(session.os(), session.view(), subtree, outcome.after - target,
                                        [&](Pages done) { show_progress(so_far + done, wanted); });
    add(outcome.given, given);
    outcome.after = usage_now(session, subtree);
    if (given.done == Pages::none()) {
      break;
    }
  }
  if (wanted > Pages::none() && ::isatty(STDERR_FILENO) != 0) {
    static_cast<void>(::write(STDERR_FILENO, "\n", 1));
  }
  return outcome;
}

std::string as_json(const Wanted& wanted, const Outcome& outcome) {
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

std::string as_text(const Wanted& wanted, const Outcome& outcome) {
  std::string text = harmless(wanted.name) + ": " + human_size(outcome.given.done) + " given back, usage " +
                     human_size(outcome.before) + " -> " + human_size(outcome.after) + "\n";
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    if (outcome.given.stayed[i] > Pages::none()) {
      text += std::string("  stayed, ") + to_string(static_cast<StayReason>(i)) + ": " +
              human_size(outcome.given.stayed[i]) + "\n";
    }
  }
  if (outcome.given.unasked > 0) {
    text += "  could not be asked (stopped, static, no reclaimer): " + std::to_string(outcome.given.unasked) +
            " members with " + human_size(outcome.given.unasked_usage) + "\n";
  }
  return text;
}

int run(Session& session, ContainerId id, const Wanted& wanted) {
  const Outcome outcome = reclaim(session, Subtree::below(session.view(), id), wanted.target);
  const Pages asked = outcome.before - wanted.target;
  const bool reached = outcome.after <= wanted.target + Pages{kPagesPerGranule};
  post_event(session.os(), session.view(),
             {EventKind::kReclaim,
              id,
              static_cast<std::uint32_t>(::getpid()),
              {asked.bytes(), outcome.given.done.bytes()},
              reached ? "shrunk on demand" : "shrinking on demand fell short (EBUSY)"});
  print(wanted.json ? as_json(wanted, outcome) : as_text(wanted, outcome));
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
  const Pages usage = usage_now(session, Subtree::below(session.view(), id));
  wanted.target = has_to->count() > 0 ? amount : usage - amount;
  return detach && detached_parent() ? 0 : run(session, id, wanted);
}

}  // namespace weir
