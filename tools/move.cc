// move.cc - `weir move`: a running process into another container, with what it holds.
#include "core/move.h"

#include <charconv>
#include <csignal>

#include "tools/command.h"
#include "tools/group_counts.h"
#include "tools/human.h"
#include "tools/move_stay.h"
#include "tools/reclaim_ask.h"
#include "tools/reclaim_passes.h"
#include "tools/say.h"
#include "tools/session.h"

namespace weir {
namespace {

constexpr std::uint32_t kMostPids = 1U << kPidBits;

struct Wanted {
  std::uint32_t pid = 0;
  std::string group;  // empty: the whole process
  std::string name;
  MovePolicy policy = MovePolicy::kReserve;
};

std::uint32_t read_pid(const std::string& text) {
  std::uint32_t pid = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, pid);
  if (stop != end || error == std::errc::invalid_argument) {
    refuse_value("process", text, "is no number");
  }
  if (error != std::errc() || pid == 0 || pid >= kMostPids) {
    refuse_value("process", text, "is no process number");
  }
  return pid;
}

// PID or PID/GROUP.
void read_whom(const std::string& text, Wanted& wanted) {
  const std::size_t slash = text.find('/');
  wanted.pid = read_pid(text.substr(0, slash));
  if (slash != std::string::npos) {
    wanted.group = text.substr(slash + 1);
    static_cast<void>(read_name(wanted.group));
  }
}

MovePolicy read_policy(const std::string& text) {
  for (const MovePolicy policy : {MovePolicy::kReserve, MovePolicy::kLazy, MovePolicy::kStay}) {
    if (text == to_string(policy)) {
      return policy;
    }
  }
  refuse_value("--policy", text, "is unknown (reserve, lazy, stay)");
}

std::string whom_text(const Wanted& wanted) {
  const std::string process = process_text(wanted.pid);
  return wanted.group.empty() ? process : "group " + harmless(wanted.group) + " of " + process;
}

std::string name_of(Session& session, ContainerId id) {
  return session.view().container(id).name;
}

[[noreturn]] void fail_move(Session& session, const Wanted& wanted, MoveFailure failure) {
  const std::string process = whom_text(wanted);
  const bool exists = session.os().kill(static_cast<int>(wanted.pid), 0).error() != ESRCH;
  switch (failure) {
    case MoveFailure::kNotMember:
      fail(exists ? process + " is no member of a container (only what was started under weir can be moved)"
                  : "there is no " + process);
    case MoveFailure::kDead:
      fail(process + " has ended");
    case MoveFailure::kNoContainer:
      fail("there is no container " + shown(wanted.name) + " any more");
    case MoveFailure::kNoGroup:
      fail(process_text(wanted.pid) + " has no thread group " + shown(wanted.group) +
           " (or no thread of it has come yet)");
    case MoveFailure::kNoPlace:
      throw CommandFault(ExitStatus::kBusy, process + " has thread groups that cannot go along: there is no place " +
                                                "for their containers below " + shown(wanted.name) +
                                                "; nothing was changed (EBUSY)");
    default:
      fail(process + " could not be moved: the registry is busy; nothing was changed");
  }
}

std::string level_text(Session& session, const MoveLevel& level) {
  return harmless(name_of(session, level.id)) + ": usage " + human_size(level.usage) + ", limit " +
         human_size(level.limit) + ", room " + human_size(level.room());
}

[[noreturn]] void fail_full(Session& session, const Wanted& wanted, const MoveResult& result, const std::string& end) {
  const MoveLevel& level = result.plan.tightest;
  throw CommandFault(ExitStatus::kBusy, shown(name_of(session, level.id)) + " has no room for " + whom_text(wanted) +
                                            ": " + human_size(result.plan.needed_there) + " needed, room " +
                                            human_size(level.room()) + ", limit " + human_size(level.limit) + end +
                                            " (EBUSY)");
}

// What groups hold only their process can tell: it is asked, that the move goes by figures of now.
void count_groups_of(Session& session, std::uint32_t pid) {
  MemberId member;
  if (session.view().find_member(pid, member)) {
    const ContainerId own = session.view().book(member).load().container;
    count_groups(session.os(), session.view(), Subtree::below(session.view(), own));
  }
}

std::string groups_text(const MoveResult& result, const Wanted& wanted) {
  const std::size_t groups = wanted.group.empty() ? result.plan.parts.count - 1 : 0;
  return groups == 0   ? ""
         : groups == 1 ? " and its thread group"
                       : " and its " + std::to_string(groups) + " thread groups";
}

int already_there(const Wanted& wanted) {
  print(whom_text(wanted) + " is in " + harmless(wanted.name) + " already\n");
  return 0;
}

// With "stay". Only what it takes from now on will be charged to the destination.
int move_alone(Session& session, const Wanted& wanted, const MoveOrder& order, bool only_look) {
  MoveResult result = look_at_move(session.os(), session.view(), order);
  if (result.failure == MoveFailure::kAlready) {
    return already_there(wanted);
  }
  const auto check = [&] {
    if (result.failure != MoveFailure::kNone && result.failure != MoveFailure::kNoRoom) {
      fail_move(session, wanted, result.failure);
    }
  };
  check();
  check_may_leave(session, wanted.pid);
  const std::string source = harmless(name_of(session, result.plan.source));
  const std::string way = whom_text(wanted) + " from " + source + " to " + harmless(wanted.name);
  if (only_look) {
    print("would move " + way + "; " + human_size(result.plan.needed) + " would stay charged to " + source + "\n");
    return 0;
  }
  const Pages left = leave_behind(session, wanted.pid);
  result = move_member(session.os(), session.view(), order);
  check();
  print("moved " + way + "; " + human_size(left) + " stays charged to " + source + "\n");
  return 0;
}

int dry_run(Session& session, const Wanted& wanted, const MoveOrder& order) {
  const MoveResult result = look_at_move(session.os(), session.view(), order);
  const MovePlan& plan = result.plan;
  if (result.failure == MoveFailure::kAlready) {
    return already_there(wanted);
  }
  if (result.failure != MoveFailure::kNone && result.failure != MoveFailure::kNoRoom) {
    fail_move(session, wanted, result.failure);
  }
  print("would move " + whom_text(wanted) + groups_text(result, wanted) + " with " + human_size(plan.needed) +
        " from " + harmless(name_of(session, plan.source)) + " to " + harmless(wanted.name) + ", policy " +
        to_string(wanted.policy) + "\n" + level_text(session, plan.destination) + "\n");
  if (plan.tightest.id != plan.destination.id) {
    print(level_text(session, plan.tightest) + "\n");
  }
  if (!plan.fits()) {
    const std::string lacking = human_size(plan.lacking());
    if (wanted.policy == MovePolicy::kReserve) {
      fail_full(session, wanted, result, ", " + lacking + " would have to be reclaimed there first");
    }
    print("the limit would be exceeded by " + lacking + " until that is reclaimed\n");
  }
  return 0;
}

// All of the subtree but the places of that process.
SpentMembers all_but(const RegistryView& view, const Subtree& subtree, std::uint32_t pid) {
  SpentMembers others;
  for (std::uint32_t i = 0; i < view.members_high(); ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    if (entry.pid != 0 && entry.pid != pid && subtree.holds(entry.container)) {
      others.insert(i);
    }
  }
  return others;
}

// The newcomer's pages leave first, until the destination is below its marks; what is above the limit then comes from
// all. Asked as `weir reclaim` asks: a wake-up reaches reclaimers only, and who was far from every mark runs none.
Pages reclaim_excess(Session& session, std::uint32_t pid, const MoveResult& result) {
  RegistryView& view = session.view();
  const ContainerId top = result.plan.tightest.id;
  const Marks marks = marks_of(view.container(top));
  const Subtree subtree = Subtree::below(view, top);
  const Pages before = usage_now(session, top);
  const Pages goal = std::min(marks.low, marks.limit);
  if (before <= std::min(marks.high, marks.limit)) {
    return Pages::none();
  }
  SpentMembers others = all_but(view, subtree, pid);
  static_cast<void>(ask_members(
      session.os(), view, top, before - goal, [](Pages) { return true; }, others));
  const Pages after = usage_now(session, top);
  return after > marks.limit ? before - shrink_to(session, top, marks.limit).after : before - after;
}

int move(Session& session, const Wanted& wanted, const MoveOrder& order) {
  const MoveResult result = move_member(session.os(), session.view(), order);
  if (result.failure == MoveFailure::kAlready) {
    return already_there(wanted);
  }
  if (result.failure == MoveFailure::kNoRoom) {
    fail_full(session, wanted, result, ", " + human_size(result.freed) + " freed; nothing was changed");
  }
  if (result.failure != MoveFailure::kNone) {
    fail_move(session, wanted, result.failure);
  }
  std::string text = "moved " + whom_text(wanted) + groups_text(result, wanted) + " with " + human_size(result.moved) +
                     " from " + harmless(name_of(session, result.plan.source)) + " to " + harmless(wanted.name);
  text += result.freed > Pages::none() ? ", " + human_size(result.freed) + " freed for it\n" : "\n";
  if (result.above > Pages::none()) {
    text += "the limit is exceeded by " + human_size(result.above) + " until that is reclaimed\n";
  }
  print(text);
  if (order.policy != MovePolicy::kLazy) {
    return 0;
  }
  if (const Pages done = reclaim_excess(session, order.pid, result); done > Pages::none()) {
    print(human_size(done) + " given back\n");
  }
  return 0;
}

}  // namespace

int move_main(Invocation& call) {
  CLI::App app("Moves a running process, or one of its thread groups, to another container, and its usage with it.",
               "weir move");
  app.footer(
      "reserve: only into room that is there or can be reclaimed there within 2 s; else exits 16 (EBUSY).\n"
      "lazy: at once; of the newcomer first is reclaimed until the marks there are kept.\n"
      "stay: at once, and what it holds by then stays charged where it is; only what comes later counts there.\n\n"
      "Thread groups go along with their process, to containers of the same name below NAME.\n\n"
      "Example:\n  weir move 4711 build --policy lazy\n  weir move 4711/io slow");
  Wanted wanted;
  std::string pid;
  std::string policy = "reserve";
  bool only_look = false;
  app.add_option("PID", pid, "Process; PID/GROUP: one of its thread groups")->required();
  app.add_option("NAME", wanted.name, "Container to move it to")->required();
  app.add_option("--policy", policy, "reserve (default), lazy or stay")->type_name("POLICY");
  app.add_flag("--dry-run", only_look, "Say what would be needed, and change nothing");
  if (!parse_words(app, call)) {
    return 0;
  }
  read_whom(pid, wanted);
  wanted.policy = read_policy(policy);
  if (wanted.policy == MovePolicy::kStay && !wanted.group.empty()) {
    refuse_value("--policy", policy, "is for a process: what a thread group holds moves with it (reserve, lazy)");
  }
  const std::string_view name = read_name(wanted.name);
  Session session(call.directory);
  static_cast<void>(session.need(name));
  const std::string lock_path = session.registry_path();
  const MoveOrder order{wanted.pid, name, wanted.policy, lock_path.c_str(), wanted.group};
  count_groups_of(session, wanted.pid);
  if (wanted.policy == MovePolicy::kStay) {
    return move_alone(session, wanted, order, only_look);
  }
  return only_look ? dry_run(session, wanted, order) : move(session, wanted, order);
}

}  // namespace weir
