// named_groups.cc - containers and arenas of the groups, made once each.
#include "preload/named_groups.h"

#include <algorithm>
#include <cstring>

#include "preload/jemalloc.h"
#include "preload/process.h"
#include "preload/reclaimer_thread.h"
#include "preload/rule_containers.h"

namespace weir {
namespace {

// A container that rules name, as one group.
struct NamedGroup {
  std::string_view name;
  const GroupRule* rule = nullptr;
  ContainerId container;
  std::atomic<std::uint32_t> state{0};  // 0: not needed yet, 1: being made, 2: there, 3: cannot be had
  unsigned arena = 0;
};
constexpr std::uint32_t kUnmade = 0;
constexpr std::uint32_t kMaking = 1;
constexpr std::uint32_t kMade = 2;
constexpr std::uint32_t kFailed = 3;

constinit NamedGroup groups[kMostGroups];
constinit std::size_t group_count = 0;

// The process' containers tell of thrashing, and hold members in turn.
bool make_container(Process& p, const GroupRule& rule, ContainerId& out) {
  RuleContainer wanted{p.options.threads, rule, p.engine.account.container()};
  wanted.thrash.seconds = 0;
  const ContainerResult result = make_container_of(p, wanted);
  out = result.id;
  return result.failure == AttachFailure::kNone;
}

// Its place in the books and its arena, made by the first thread that comes.
bool make_group(Process& p, GroupNumber number) {
  NamedGroup& group = groups[number];
  // The process may have been moved since, or somebody removed what was empty.
  if (!make_container(p, *group.rule, group.container)) {
    tell_no_place(p, "WEIR_THREADS", *group.rule);
    return false;
  }
  const bool placed = p.engine.groups.add(p.engine.os, p.engine.view, p.engine.account, number, group.container);
  if (!placed || !make_group_arena(number, group.arena)) {
    tell_no_place(p, "WEIR_THREADS", *group.rule);
    return false;
  }
  MemberRecord& record = p.engine.groups.record(number);
  std::memcpy(record.comm, p.engine.record().comm, sizeof(record.comm));
  std::memcpy(record.group, group.name.data(), std::min(group.name.size(), sizeof(record.group) - 1));
  // Only the reclaimer counts what groups hold, and a small limit is met soon.
  start_reclaimer_thread();
  await_reclaimer(p.engine);
  return true;
}

}  // namespace

void name_groups(Process& p) {
  const GroupRules& rules = p.options.threads;
  for (std::size_t i = 0; i < rules.count; ++i) {
    const GroupRule& rule = rules.list[i];
    if (number_of(rule.container) != kNoGroup) {
      continue;
    }
    if (!make_container(p, rule, groups[group_count].container)) {
      tell_no_place(p, "WEIR_THREADS", rule);
      continue;
    }
    groups[group_count].rule = &rule;
    groups[group_count++].name = rule.container;
  }
}

bool any_group_is_named() {
  return group_count > 0;
}

void forget_made_groups() {
  for (NamedGroup& group : groups) {
    group.state.store(kUnmade, std::memory_order_relaxed);
  }
}

GroupNumber number_of(std::string_view name) {
  for (std::size_t i = 0; i < group_count; ++i) {
    if (groups[i].name == name) {
      return static_cast<GroupNumber>(i);
    }
  }
  return kNoGroup;
}

bool is_made(Process& p, GroupNumber number) {
  NamedGroup& group = groups[number];
  std::uint32_t state = kUnmade;
  if (group.state.compare_exchange_strong(state, kMaking, std::memory_order_acq_rel)) {
    state = make_group(p, number) ? kMade : kFailed;
    group.state.store(state, std::memory_order_release);
    static_cast<void>(p.engine.os.futex_wake(group.state, INT32_MAX));
  }
  // By another thread. A signal, the meter's perhaps, ends a wait early.
  constexpr std::int64_t kStepNs = 10'000'000;
  constexpr int kSteps = 50;
  for (int step = 0; state == kMaking && step < kSteps; ++step) {
    static_cast<void>(p.engine.os.futex_wait(group.state, kMaking, kStepNs));
    state = group.state.load(std::memory_order_acquire);
  }
  return state == kMade;
}

unsigned arena_of(GroupNumber number) {
  return groups[number].arena;
}

}  // namespace weir
