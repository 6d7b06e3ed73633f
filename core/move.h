// move.h - moving a member to another container, its charge with it: plan, make room, one compare-and-swap.
//
// The charge is part of the entry that is swapped, so there is no moment at which it counts in
// both containers or in neither, and nothing to roll back: a mover that is killed has moved the
// member or has not. Both containers may be at work meanwhile.
//
// A process with thread groups has several entries (core/move_parts.h). They are swapped one after the
// other, under the same lock, the process' last; should one not fit, or the mover be killed before it, those
// before are swapped back (core/move_journal.h).
//
// With "stay" the process has made its usage so far an entry of its own first (ask_to_leave, core/wake.h), and
// its own entry moves alone, with what has come since.
//
// Locks: the registry's file lock around the swap alone, so that two movers do not take the same
// room and the destination is not forgotten under the member. Allocates nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/move_parts.h"
#include "core/registry.h"
#include "core/usage.h"

namespace weir {

enum class MovePolicy : std::uint32_t {
  kReserve,  // only into room that is there, or that the destination's members make in time
  kLazy,     // at once; who ordered it then asks the newcomer to give back, then the others
  kStay,     // at once; future charges only
};
const char* to_string(MovePolicy policy);

// A container as it stands, before the member comes.
struct MoveLevel {
  ContainerId id;
  Pages usage;
  Pages limit = Pages::all();

  [[nodiscard]] Pages room() const {
    return limit.unlimited() ? Pages::all() : limit - usage;
  }
  // What must leave before `charge` fits.
  [[nodiscard]] Pages lacking(Pages charge) const {
    return limit.unlimited() ? Pages::none() : usage + charge - limit;
  }
};

struct MovePlan {
  MemberId member;  // the process, also where a group of it moves
  ContainerId source;
  MoveParts parts;
  Pages needed;  // the charge of them all
  MoveLevel destination;
  // Of the destination and its ancestors, where the charge is least welcome. Containers that hold
  // the source already keep their sum and do not count.
  MoveLevel tightest;
  Pages needed_there;  // by those parts to which that level is new

  [[nodiscard]] Pages lacking() const {
    return tightest.lacking(needed_there);
  }
  [[nodiscard]] bool fits() const {
    return lacking() == Pages::none();
  }
};

// What moving these entries would mean. Reads the books only. Containers still to be made are like those
// the parts come from, and refuse nothing.
MovePlan plan_move(const RegistryView& view, const MoveParts& parts, ContainerId destination);

enum class MoveFailure : std::uint32_t {
  kNone,
  kNotMember,
  kDead,
  kNoContainer,
  kAlready,  // it is in that container
  kNoGroup,  // the process has no thread group of that name
  kNoPlace,  // a group cannot go along: its container would have no name or no place
  kNoRoom,
  kBusy,  // the registry is locked by somebody, or the entry changes without end
};

struct MoveOrder {
  std::uint32_t pid = 0;
  std::string_view destination;
  MovePolicy policy = MovePolicy::kReserve;
  const char* lock_path = "";   // the registry file
  std::string_view group = {};  // a thread group of it alone; empty: the process, with its groups
  bool look = true;             // at what the members hold now; else by the entries as they are
};

struct [[nodiscard]] MoveResult {
  MoveFailure failure = MoveFailure::kNone;
  MovePlan plan;
  Pages moved;
  Pages freed;  // by the members that were asked to make room
  Pages above;  // by which the worst limit is exceeded afterwards
};

// What move_member() would find, after a fresh look at the members: kNone or kNoRoom when the move
// is possible. Changes nothing but the figures.
MoveResult look_at_move(Os& os, RegistryView& view, const MoveOrder& order);

// Moves. On any failure the entry is as it was. Bounded: kMoveWaitNs for room, and as much again
// at most for the lock.
inline constexpr std::int64_t kMoveWaitNs = 2'000'000'000;
MoveResult move_member(Os& os, RegistryView& view, const MoveOrder& order);

}  // namespace weir
