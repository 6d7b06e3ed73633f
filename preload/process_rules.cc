// process_rules.cc - from a title to a rule to a move.
#include "preload/process_rules.h"

#include <atomic>
#include <cstring>

#include "core/move.h"
#include "preload/own_title.h"
#include "preload/process.h"
#include "preload/rule_containers.h"

namespace weir {
namespace {

constinit char last_title[kTitleBytes] = {};
constinit std::size_t last_length = 0;
constinit std::atomic<bool> at_work{false};  // one thread is enough
// Where a rule put us, plus one. From anywhere else but home somebody else put us there.
constinit std::uint32_t chosen = 0;

bool is_new(std::string_view title) {
  if (title == std::string_view(last_title, last_length)) {
    return false;
  }
  std::memcpy(last_title, title.data(), title.size());
  last_length = title.size();
  return true;
}

// At once, without asking for room first: our limit there holds from the next allocation on.
bool go_to(Process& p, const GroupRule& rule, ContainerId home) {
  const ContainerResult made =
      make_container_of(p, {p.options.processes, rule, home, p.options.load_control, p.options.thrash});
  if (made.failure != AttachFailure::kNone) {
    return false;
  }
  const ContainerRecord& record = p.engine.view.container(made.id);
  MoveOrder order;
  order.pid = p.pid.load(std::memory_order_relaxed);
  order.destination = {record.name, strnlen(record.name, sizeof(record.name))};
  order.policy = MovePolicy::kLazy;
  order.lock_path = p.engine.view.path();
  order.look = false;
  const MoveFailure failure = move_member(p.engine.os, p.engine.view, order).failure;
  if (failure == MoveFailure::kNone || failure == MoveFailure::kAlready) {
    chosen = made.id.index + 1;
    return true;
  }
  return false;
}

void apply(Process& p, std::string_view title) {
  const std::uint32_t home = p.home.load(std::memory_order_relaxed);
  const std::uint32_t here = p.engine.account.container().index + 1;
  const GroupRule* rule = rule_for(p.options.processes, title, 0);
  if (rule == nullptr || home == 0 || (here != home && here != chosen)) {
    return;
  }
  // The container it names may be forgotten, empty as it is, before we are in it: once more, then.
  if (!go_to(p, *rule, ContainerId{home - 1}) && !go_to(p, *rule, ContainerId{home - 1})) {
    tell_no_place(p, "WEIR_PROCESSES", *rule);
  }
}

}  // namespace

void follow_title(Process& p) {
  if (p.options.processes.count == 0 || at_work.exchange(true, std::memory_order_acquire)) {
    return;
  }
  char buffer[kTitleBytes];
  const std::string_view title = read_title(buffer);
  if (is_new(title) && is_own_process() && p.stage.load(std::memory_order_acquire) == Stage::kAttached) {
    const WeirScope scope;
    apply(p, title);
  }
  at_work.store(false, std::memory_order_release);
}

void forget_title() {
  last_length = 0;
  at_work.store(false, std::memory_order_relaxed);
}

}  // namespace weir
