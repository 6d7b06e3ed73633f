// move.cc - the plan over the levels, and the swap.
#include "core/move.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "core/events.h"
#include "core/move_room.h"
#include "core/stats.h"
#include "core/text.h"

namespace weir {
namespace {

constexpr std::int64_t kLockPollNs = 1'000'000;
constexpr int kMostSwapTries = 100;

// The file lock under which containers are made and forgotten.
class RegistryLock {
 public:
  RegistryLock(Os& os, const char* path) : os_(os), fd_(os.open(path, O_RDWR | O_NOFOLLOW, 0)) {
    FutexWord never{0};
    for (std::int64_t waited = 0; fd_.ok() && !held_ && waited < kMoveWaitNs; waited += kLockPollNs) {
      held_ = os_.flock(fd(), LOCK_EX | LOCK_NB).ok();
      if (!held_) {
        static_cast<void>(os_.futex_wait(never, 0, kLockPollNs));
      }
    }
  }
  // Closing gives the lock up.
  ~RegistryLock() {
    if (fd_.ok()) {
      static_cast<void>(os_.close(fd()));
    }
  }
  RegistryLock(const RegistryLock&) = delete;
  RegistryLock& operator=(const RegistryLock&) = delete;
  [[nodiscard]] bool held() const {
    return held_;
  }

 private:
  [[nodiscard]] int fd() const {
    return static_cast<int>(fd_.value());
  }
  Os& os_;
  SysResult fd_;
  bool held_ = false;
};

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

MoveLevel level_of(const RegistryView& view, ContainerId id) {
  return {id, usage_of(view, id), marks_of(view.container(id)).limit};
}

bool is_tighter(const MoveLevel& a, const MoveLevel& b, Pages charge) {
  return a.lacking(charge) != b.lacking(charge) ? a.lacking(charge) > b.lacking(charge) : a.room() < b.room();
}

void wake_below(Os& os, RegistryView& view, ContainerId top) {
  const Subtree subtree = Subtree::below(view, top);
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    if (entry.pid != 0 && subtree.holds(entry.container)) {
      wake_reclaimer_of(os, view.member(MemberId{i}));
    }
  }
}

// Members far from every mark do not keep their entries fresh by themselves.
void refresh_both_sides(Os& os, RegistryView& view, ContainerId source, ContainerId destination) {
  refresh_charges(os, view, Subtree::below(view, source));
  ContainerId top = destination;
  each_new_level(view, source, destination, [&](ContainerId at) { top = at; });
  refresh_charges(os, view, Subtree::below(view, top));
}

// Swaps the container, however fast the charge changes, as long as it is at most `most`.
bool swap_container(BookWord& book, BookEntry seen, ContainerId destination, Pages most, Pages& moved) {
  const BookEntry first = seen;
  for (; seen.pid == first.pid && seen.container == first.container && seen.charge <= most; seen = book.load()) {
    if (book.replace(seen, {seen.pid, destination, seen.charge})) {
      moved = seen.charge;
      return true;
    }
  }
  return false;
}

// Plans by the entry of this moment, and swaps. Nothing has changed unless it gives kNone.
MoveFailure attempt(Os& os, RegistryView& view, const MoveOrder& order, MoveResult& result) {
  const RegistryLock lock(os, order.lock_path);
  ContainerId destination;
  if (!lock.held()) {
    return MoveFailure::kBusy;
  }
  if (!view.find(order.destination, destination)) {
    return MoveFailure::kNoContainer;
  }
  const bool reserve = order.policy == MovePolicy::kReserve;
  BookWord& book = view.book(result.plan.member);
  for (int tries = 0; tries < kMostSwapTries; ++tries) {
    const BookEntry seen = book.load();
    if (seen.pid != order.pid) {
      return MoveFailure::kDead;  // it was there a moment ago
    }
    if (seen.container == destination) {
      return MoveFailure::kAlready;
    }
    result.plan = plan_move(view, result.plan.member, seen, destination);
    if (reserve && !result.plan.fits()) {
      return MoveFailure::kNoRoom;
    }
    if (swap_container(book, seen, destination, reserve ? result.plan.tightest.room() : Pages::all(), result.moved)) {
      return MoveFailure::kNone;
    }
  }
  return MoveFailure::kBusy;
}

// One round of asking where the plan is tightest. True: something left there, in answer or by itself.
bool asked_for_room(Os& os, RegistryView& view, MoveResult& result, std::uint64_t deadline) {
  const MovePlan& plan = result.plan;
  const Pages freed = make_room(os, view, plan.tightest, plan.needed, deadline);
  result.freed = result.freed + freed;
  refresh_both_sides(os, view, plan.source, plan.destination.id);
  const bool shrank = usage_of(view, plan.tightest.id) < plan.tightest.usage;
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
  const MovePlan& plan = result.plan;
  ContainerId top = plan.destination.id;
  each_new_level(view, plan.source, plan.destination.id, [&](ContainerId at) {
    const MoveLevel level = level_of(view, at);
    note_usage(view.container(at), level.usage);
    result.above = std::max(result.above, level.lacking(Pages::none()));
    top = at;
  });
  TextBuffer<128> text;
  text.add("moved from ").add(short_name(view.container(plan.source)));
  text.add(" to ").add(short_name(view.container(plan.destination.id))).add(", policy ").add(to_string(order.policy));
  post_event(os, view, {EventKind::kMove, plan.destination.id, order.pid, {result.moved.bytes(), 0}, text.view()});
  wake_reclaimer_of(os, view.member(plan.member));
  if (order.policy == MovePolicy::kLazy) {
    wake_below(os, view, top);
  }
}

}  // namespace

const char* to_string(MovePolicy policy) {
  return policy == MovePolicy::kLazy ? "lazy" : "reserve";
}

MovePlan plan_move(const RegistryView& view, MemberId member, const BookEntry& entry, ContainerId destination) {
  MovePlan plan;
  plan.member = member;
  plan.source = entry.container;
  plan.needed = entry.charge;
  plan.destination = level_of(view, destination);
  plan.tightest = {destination, plan.destination.usage, Pages::all()};
  each_new_level(view, entry.container, destination, [&](ContainerId at) {
    const MoveLevel level = level_of(view, at);
    if (is_tighter(level, plan.tightest, entry.charge)) {
      plan.tightest = level;
    }
  });
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
  refresh_both_sides(os, view, view.book(member).load().container, destination);
  const BookEntry entry = view.book(member).load();
  if (entry.pid != order.pid) {
    return failed(MoveFailure::kDead);
  }
  result.plan = plan_move(view, member, entry, destination);
  if (entry.container == destination) {
    return failed(MoveFailure::kAlready);
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
