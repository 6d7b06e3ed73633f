// move.cc - the plan over the levels, and the swap.
#include "core/move.h"

#include <fcntl.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "core/events.h"
#include "core/file_lock.h"
#include "core/move_journal.h"
#include "core/move_room.h"
#include "core/stats.h"
#include "core/text.h"
#include "core/wake.h"

namespace weir {
namespace {

constexpr int kMostSwapTries = 100;

// Calls `visit` for the destination and each ancestor of it to which the charge is new.
template <typename Visit>
void each_new_level(const RegistryView& view, ContainerId source, ContainerId destination, const Visit& visit) {
  ContainerId at = destination;
  for (int depth = 0; depth <= kMaxContainerDepth && !Subtree::below(view, at).holds(source); ++depth) {
    visit(at);
    if (!parent_of(view, at, at)) {
      return;
    }
  }
}

// The charge of those parts that are new to the level.
Pages needed_at(const RegistryView& view, const MoveParts& parts, ContainerId level) {
  const Subtree subtree = Subtree::below(view, level);
  Pages sum;
  for (const MovePart& part : parts) {
    if (subtree.holds(part.destination) && !subtree.holds(part.entry.container)) {
      sum = sum + part.entry.charge;
    }
  }
  return sum;
}

MoveLevel level_of(const RegistryView& view, ContainerId id) {
  return {id, usage_of(view, id), marks_of(view.container(id)).limit};
}

bool is_tighter(const MoveLevel& level, Pages needed, const MovePlan& than) {
  const Pages lacking = level.lacking(needed);
  return lacking != than.lacking() ? lacking > than.lacking() : level.room() < than.tightest.room();
}

// Members far from every mark do not keep their entries fresh by themselves.
void refresh_both_sides(Os& os, RegistryView& view, ContainerId source, ContainerId destination) {
  refresh_charges(os, view, Subtree::below(view, source));
  ContainerId top = destination;
  each_new_level(view, source, destination, [&](ContainerId at) { top = at; });
  refresh_charges(os, view, Subtree::below(view, top));
}

// The entries the order is about, as they are at this moment. kNone, or why there is nothing to move.
MoveFailure collect(const RegistryView& view, const MoveOrder& order, MemberId process, ContainerId destination,
                    MoveParts& parts) {
  MemberId member = process;
  if (!order.group.empty() && !find_group(view, process, order.group, member)) {
    return MoveFailure::kNoGroup;
  }
  const BookEntry entry = view.book(member).load();
  if (entry.pid != order.pid) {
    return MoveFailure::kDead;  // it was there a moment ago
  }
  if (!order.group.empty() || order.policy == MovePolicy::kStay) {
    parts.add({member, entry, destination, false});
  } else if (!parts_of_process(view, member, entry, destination, parts)) {
    return MoveFailure::kNoPlace;
  }
  return entry.container == destination ? MoveFailure::kAlready : MoveFailure::kNone;
}

// Plans by the entries of this moment, makes the containers that groups need, and swaps.
MoveFailure plan_and_swap(Os& os, RegistryView& view, const MoveOrder& order, MoveResult& result) {
  ContainerId destination;
  if (!view.find(order.destination, destination)) {
    return MoveFailure::kNoContainer;
  }
  const bool reserve = order.policy == MovePolicy::kReserve;
  const MemberId process = result.plan.member;
  for (int tries = 0; tries < kMostSwapTries; ++tries) {
    MoveParts parts;
    if (const MoveFailure failure = collect(view, order, process, destination, parts); failure != MoveFailure::kNone) {
      return failure;
    }
    result.plan = plan_move(view, parts, destination);
    result.plan.member = process;
    if (reserve && !result.plan.fits()) {
      return MoveFailure::kNoRoom;
    }
    begin_move(view);
    if (parts.any_missing()) {
      if (!make_missing(os, view, parts, result.plan.source, destination)) {
        return MoveFailure::kNoPlace;
      }
      continue;
    }
    const bool bounded = reserve && !result.plan.tightest.limit.unlimited();
    const Pages spare = bounded ? result.plan.tightest.room() - result.plan.needed_there : Pages::all();
    if (swap_parts(view, parts, spare, result.moved)) {
      return MoveFailure::kNone;
    }
  }
  return MoveFailure::kBusy;
}

// Nothing has changed unless it gives kNone. Under the lock under which containers are made and forgotten.
MoveFailure attempt_locked(Os& os, RegistryView& view, const MoveOrder& order, MoveResult& result, int lock_fd) {
  const FileLock lock(os, lock_fd, kMoveWaitNs);
  if (!lock.held()) {
    return MoveFailure::kBusy;
  }
  settle_move(os, view);
  const MoveFailure failure = plan_and_swap(os, view, order, result);
  if (failure == MoveFailure::kNone) {
    end_move(view);
  } else {
    take_back_move(view);
  }
  return failure;
}

MoveFailure attempt(Os& os, RegistryView& view, const MoveOrder& order, MoveResult& result) {
  const SysResult opened = os.open(order.lock_path, O_RDWR | O_NOFOLLOW, 0);
  if (!opened.ok()) {
    return MoveFailure::kBusy;
  }
  const int fd = static_cast<int>(opened.value());
  const MoveFailure failure = attempt_locked(os, view, order, result, fd);
  static_cast<void>(os.close(fd));
  return failure;
}

// One round of asking where the plan is tightest. True: something left there, in answer or by itself.
bool asked_for_room(Os& os, RegistryView& view, MoveResult& result, std::uint64_t deadline) {
  const MovePlan& plan = result.plan;
  const Pages freed = make_room(os, view, plan.tightest, plan.needed_there, deadline);
  refresh_both_sides(os, view, plan.source, plan.destination.id);
  const Pages usage = usage_of(view, plan.tightest.id);
  const bool shrank = usage < plan.tightest.usage;
  result.freed = result.freed + (plan.tightest.usage - usage);  // not what left: some of it comes back at once
  return freed > Pages::none() || (shrank && os.now_ns() < deadline);
}

// Names are cut to their ends, that the text has room for both and the policy.
std::string_view short_name(const ContainerRecord& record) {
  constexpr std::size_t kMost = 40;
  const std::string_view name(record.name, strnlen(record.name, kMaxNameBytes));
  return name.size() <= kMost ? name : name.substr(name.size() - kMost);
}

// Tells everybody: the peaks, the events, the moved member, and those who are to make room now.
void announce(Os& os, RegistryView& view, const MoveOrder& order, MoveResult& result) {
  constexpr std::size_t kMostShown = 20;
  const MovePlan& plan = result.plan;
  for (const MovePart& part : plan.parts) {
    each_new_level(view, part.entry.container, part.destination, [&](ContainerId at) {
      const MoveLevel level = level_of(view, at);
      note_usage(view.container(at), level.usage);
      result.above = std::max(result.above, level.lacking(Pages::none()));
    });
  }
  TextBuffer<128> text;
  text.add("moved ").add(order.group.empty() ? "" : "group ").add(order.group.substr(0, kMostShown));
  text.add(order.group.empty() ? "" : " ").add("from ").add(short_name(view.container(plan.source)));
  text.add(" to ").add(short_name(view.container(plan.destination.id))).add(", policy ").add(to_string(order.policy));
  post_event(os, view, {EventKind::kMove, plan.destination.id, order.pid, {result.moved.bytes(), 0}, text.view()});
  // With lazy the newcomer is to give back first: whoever moved it asks it, and a mere wake-up would make it call
  // others.
  if (order.policy == MovePolicy::kReserve) {
    wake_reclaimer_of(os, view.member(actor_of(view, plan.member, order.pid)));
  }
}

}  // namespace

const char* to_string(MovePolicy policy) {
  switch (policy) {
    case MovePolicy::kLazy:
      return "lazy";
    case MovePolicy::kStay:
      return "stay";
    default:
      return "reserve";
  }
}

MovePlan plan_move(const RegistryView& view, const MoveParts& parts, ContainerId destination) {
  MovePlan plan;
  const MovePart& last = parts.list[parts.count - 1];
  plan.member = last.member;
  plan.source = last.entry.container;
  plan.parts = parts;
  plan.needed = parts.charge();
  plan.destination = level_of(view, destination);
  plan.tightest = {destination, plan.destination.usage, Pages::all()};
  for (const MovePart& part : parts) {
    each_new_level(view, part.entry.container, part.destination, [&](ContainerId at) {
      const MoveLevel level = level_of(view, at);
      if (const Pages needed = needed_at(view, parts, at); is_tighter(level, needed, plan)) {
        plan.tightest = level;
        plan.needed_there = needed;
      }
    });
  }
  return plan;
}

MoveResult look_at_move(Os& os, RegistryView& view, const MoveOrder& order) {
  MoveResult result;
  MemberId member;
  ContainerId destination;
  const auto failed = [&](MoveFailure failure) {
    result.failure = failure;
    return result;
  };
  if (order.pid == 0 || !view.find_member(order.pid, member)) {
    return failed(MoveFailure::kNotMember);
  }
  if (member_is_dead(os, view.member(member), order.pid)) {
    return failed(MoveFailure::kDead);
  }
  if (!view.find(order.destination, destination)) {
    return failed(MoveFailure::kNoContainer);
  }
  if (order.look) {
    refresh_both_sides(os, view, view.book(member).load().container, destination);
  }
  MoveParts parts;
  const MoveFailure failure = collect(view, order, member, destination, parts);
  if (parts.count > 0) {
    result.plan = plan_move(view, parts, destination);
  }
  result.plan.member = member;
  if (failure != MoveFailure::kNone) {
    return failed(failure);
  }
  return failed(result.plan.fits() ? MoveFailure::kNone : MoveFailure::kNoRoom);
}

MoveResult move_member(Os& os, RegistryView& view, const MoveOrder& order) {
  const std::uint64_t deadline = os.now_ns() + static_cast<std::uint64_t>(kMoveWaitNs);
  MoveResult result = look_at_move(os, view, order);
  if (result.failure != MoveFailure::kNone && result.failure != MoveFailure::kNoRoom) {
    return result;
  }
  do {
    result.failure = attempt(os, view, order, result);
  } while (result.failure == MoveFailure::kNoRoom && asked_for_room(os, view, result, deadline));
  if (result.failure == MoveFailure::kNone) {
    announce(os, view, order, result);
  }
  return result;
}

}  // namespace weir
