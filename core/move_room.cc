// move_room.cc - requests in the members' records, and their answers, within a deadline.
#include "core/move_room.h"

#include <algorithm>
#include <bitset>
#include <climits>

#include "core/member_status.h"
#include "core/wake.h"

namespace weir {
namespace {

constexpr std::int64_t kTurnNs = 50'000'000;
constexpr int kMostTurns = 2 * kMoveWaitNs / kTurnNs;  // should sleeping not work

using MemberSet = std::bitset<kMaxMembers>;

// Whether somebody there serves requests: a reclaimer, or the dump signal's handler.
bool can_answer(Os& os, RegistryView& view, MemberId id, std::uint32_t pid) {
  const MemberRecord& actor = view.member(actor_of(view, id, pid));
  if (member_is_dead(os, actor, pid)) {
    return false;
  }
  note_status(os, view, id, pid);
  return reach_of(view.member(id)) == Reach::kItself &&
         (actor.reclaimer_tid.load(std::memory_order_acquire) != 0 ||
          view.member(id).dump_signal.load(std::memory_order_acquire) != 0);
}

// Without what would not leave when it was last asked.
Pages evictable(const RegistryView& view, MemberId id, const BookEntry& entry) {
  return entry.charge - Pages{view.member(id).unevictable_pages.load(std::memory_order_relaxed)};
}

struct Askable {
  MemberSet members;
  Pages total;
};

Askable askable_below(Os& os, RegistryView& view, ContainerId top) {
  Askable askable;
  const Subtree subtree = Subtree::below(view, top);
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const MemberId id{i};
    const BookEntry entry = view.book(id).load();
    if (entry.pid != 0 && subtree.holds(entry.container) && entry.charge > Pages::none() &&
        beyond_minimum(view, entry.container, top) > Pages::none() && can_answer(os, view, id, entry.pid)) {
      askable.members[i] = true;
      askable.total = askable.total + evictable(view, id, entry);
    }
  }
  return askable;
}

// Asks each for its share of `wanted` by what it holds. Who was asked.
MemberSet ask_each(Os& os, RegistryView& view, const Askable& askable, Pages wanted) {
  MemberSet asked;
  const Pages most = std::min(wanted, Pages{UINT32_MAX});  // the product below stays within 64 bits
  for (std::uint32_t i = 0; i < kMaxMembers; ++i) {
    if (askable.members[i]) {
      const MemberId id{i};
      const BookEntry entry = view.book(id).load();
      const Pages its = evictable(view, id, entry);
      const Pages share{most.count * its.count / askable.total.count + 1};
      asked[i] = its > Pages::none() && ask_for_pages(os, view, id, entry.pid, std::min(share, its));
    }
  }
  return asked;
}

// Until all have answered, or there is room, or time is up.
void await_answers(Os& os, RegistryView& view, const MemberSet& asked, const MoveLevel& level, Pages charge,
                   std::uint64_t deadline) {
  int turns = 0;
  for (std::uint32_t i = 0; i < kMaxMembers; ++i) {
    Word& request = view.member(MemberId{i}).request;
    while (asked[i] && request.load(std::memory_order_acquire) == kRequestReclaim) {
      const std::uint64_t now = os.now_ns();
      const BookEntry entry = view.book(MemberId{i}).load();
      const bool fits = MoveLevel{level.id, usage_of(view, level.id), level.limit}.lacking(charge) == Pages::none();
      if (fits || now >= deadline || ++turns > kMostTurns) {
        return;
      }
      if (member_is_dead(os, view.member(MemberId{i}), entry.pid)) {
        break;
      }
      const auto left = static_cast<std::int64_t>(deadline - now);
      static_cast<void>(os.futex_wait(request, kRequestReclaim, std::min(left, kTurnNs)));
    }
  }
}

// Takes back what was not answered. What was given back in all.
Pages settle(RegistryView& view, const MemberSet& asked) {
  Pages freed;
  for (std::uint32_t i = 0; i < kMaxMembers; ++i) {
    if (asked[i]) {
      MemberRecord& record = view.member(MemberId{i});
      end_request(record, kRequestReclaim);
      freed = freed + Pages{record.reclaim_done.load(std::memory_order_relaxed)};
    }
  }
  return freed;
}

}  // namespace

Pages make_room(Os& os, RegistryView& view, const MoveLevel& level, Pages charge, std::uint64_t deadline) {
  const Pages lacking = level.lacking(charge);
  const Askable askable = askable_below(os, view, level.id);
  if (os.now_ns() >= deadline || askable.total < lacking || askable.total == Pages::none()) {
    return Pages::none();
  }
  // A little more, for the destination goes on growing meanwhile.
  const MemberSet asked = ask_each(os, view, askable, lacking + Pages{lacking.count / 16});
  await_answers(os, view, asked, level, charge, deadline);
  return settle(view, asked);
}

}  // namespace weir
