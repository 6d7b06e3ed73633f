// run_container.cc - naming, making and changing a run's container, and reporting its kills.
#include "tools/run_container.h"

#include <unistd.h>

#include <map>

#include "core/events.h"
#include "core/usage.h"
#include "tools/say.h"

namespace weir {
namespace {

// The container this very process is a member of: `weir run` inside `weir run`.
bool own_container(Session& session, std::string& name) {
  MemberId member;
  const auto self = static_cast<std::uint32_t>(::getpid());
  if (!session.view().find_member(self, member) || member_is_dead(session.os(), session.view().member(member), self)) {
    return false;
  }
  name = session.view().container(session.view().book(member).load().container).name;
  return true;
}

void check_shares(const Options& options, const RunSettings& settings) {
  if (options.limit.unlimited() && (options.high_watermark.is_percent || options.low_watermark.is_percent)) {
    const bool high = options.high_watermark.is_percent;
    refuse(settings.written(high ? "WEIR_HIGH_WATERMARK" : "WEIR_LOW_WATERMARK") +
           " is a share of a limit, and there is none");
  }
}

bool is_at_or_below(std::string_view name, std::string_view top) {
  return name == top || (name.size() > top.size() && name.substr(0, top.size()) == top && name[top.size()] == '/');
}

// The name a candidate's line begins with, before " usage ".
std::string comm_of(std::string_view text) {
  return harmless(text.substr(0, text.rfind(" usage ")));
}

}  // namespace

// Inside another container the inherited variables are that one's. A run that asks for a shape
// of its own then gets a container below it, so that the outer limit holds for it as well.
void RunContainer::settle_name() {
  std::string outer;
  const bool nested = own_container(session_, outer);
  if (nested && (settings_.given("WEIR_CONTAINER") || settings_.shapes_container())) {
    settings_.forget_inherited_shape();
  }
  if (nested && !settings_.given("WEIR_CONTAINER") && settings_.shapes_container()) {
    std::string below = outer + "/run-" + std::to_string(::getpid());
    if (!parse_name(below).ok()) {
      below = "run-" + std::to_string(::getpid());  // too deep or too long to stand there
    }
    settings_.set("--name", "WEIR_CONTAINER", below);
    named_ = false;
  }
}

bool RunContainer::prepare() {
  const OpenFailure failure = session_.open_or_create();
  if (failure == OpenFailure::kNone) {
    settle_name();
  }
  const Options options = settings_.read();
  if (failure != OpenFailure::kNone) {
    say(std::string("running without limits: ") + to_string(failure) + " (" + session_.directory() + ")");
    return false;
  }
  first_event_ = session_.view().raw().header.next_event.load(std::memory_order_acquire);
  name_ = options.container;
  if (!name_.empty() && session_.find(name_, id_)) {
    change_existing(id_);
    return true;
  }
  check_shares(options, settings_);
  return name_.empty() || make(options);
}

bool RunContainer::make(const Options& options) {
  const ContainerWish wish{name_,
                           named_,
                           marks_of(options),
                           options.swap_limit,
                           options.oom,
                           options.background,
                           options.load_control,
                           options.marks_may_move(),
                           options.proactive,
                           options.thrash};
  const ContainerResult result = session_.view().find_or_make(session_.os(), wish);
  if (result.failure != AttachFailure::kNone) {
    say(std::string("running without limits: ") + to_string(result.failure));
    return false;
  }
  id_ = result.id;
  created_ = result.created;
  if (created_) {
    const Pages limit = wish.marks.limit;
    post_event(session_.os(), session_.view(),
               {EventKind::kCreated,
                id_,
                static_cast<std::uint32_t>(::getpid()),
                {limit.unlimited() ? 0 : limit.bytes(), 0},
                "created"});
  } else {
    change_existing(id_);  // somebody else was faster
  }
  return true;
}

void RunContainer::plan(ContainerId id, const Change& change, const std::string& name,
                        std::vector<PlannedChange>& plans) {
  if (!change.empty()) {
    plans.push_back({id, change, planned_marks(session_.view().container(id), change, Defaults::kFollow, name)});
  }
}

void RunContainer::plan_rules(const GroupRules& rules, std::vector<PlannedChange>& plans) {
  for (std::size_t i = 0; i < rules.count; ++i) {
    const GroupRule& rule = rules.list[i];
    const std::string name = name_ + "/" + std::string(rule.container);
    ContainerId id;
    if (rule.each_its_own || !session_.view().find(name, id)) {
      continue;
    }
    Change change;
    if (!rule.limit.unlimited()) {
      change.limit = rule.limit;
    }
    if (rule.high.value != 0) {
      change.high = WantedMark{rule.high, false, "high"};
    }
    if (rule.low.value != 0) {
      change.low = WantedMark{rule.low, false, "low"};
    }
    if (rule.has_oom) {
      change.oom = rule.oom;
    }
    plan(id, change, name, plans);
  }
}

// All of it or nothing: what is refused is refused before anything has changed.
void RunContainer::change_existing(ContainerId id) {
  std::vector<PlannedChange> plans;
  plan(id, settings_.change(), name_, plans);
  const Options options = settings_.read();
  if (settings_.given("WEIR_THREADS")) {
    plan_rules(options.threads, plans);
  }
  if (settings_.given("WEIR_PROCESSES")) {
    plan_rules(options.processes, plans);
  }
  for (const PlannedChange& one : plans) {
    apply_change(session_.os(), session_.view(), one.id, one.change, one.marks, "weir run");
  }
}

bool RunContainer::has_limit() {
  if (name_.empty()) {
    return !settings_.read().limit.unlimited();
  }
  for (const ContainerId at : Upwards(session_.view(), id_)) {
    if (!marks_of(session_.view().container(at)).limit.unlimited()) {
      return true;
    }
  }
  return false;
}

void RunContainer::withdraw() {
  if (created_) {
    session_.view().remove(session_.os(), id_);
  }
}

void RunContainer::report_kills(pid_t command) {
  if (!session_.view().is_open()) {
    return;
  }
  const std::string name = name_.empty() ? "pid-" + std::to_string(command) : name_;
  std::map<std::uint32_t, std::string> comms;
  std::uint64_t missed = 0;
  std::uint64_t next = first_event_;
  for (Event event; read_event(session_.view(), next, event, missed);) {
    if (event.kind == EventKind::kOomVictim) {
      comms[event.pid] = comm_of(event.text);
    }
    const bool ours = is_at_or_below(event.container_name, name) || event.pid == static_cast<std::uint32_t>(command);
    if (event.kind == EventKind::kOomKill && ours) {
      say("Container out of memory: killed " + std::to_string(event.pid) + " (" + comms[event.pid] + ") in " +
          harmless(event.container_name));
    }
  }
}

}  // namespace weir
