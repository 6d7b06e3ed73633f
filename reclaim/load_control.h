// load_control.h - when the working sets of a container's members do not fit together, some wait their turn.
//
// Denning's load control ("The working set model for program behavior", CACM 11, 1968; "Working
// sets past and present", 1980) where a process can only speak for itself: each member looks, at
// its own fault meter, whether its container thrashes and whether it is the one to step back. It
// then sleeps there, in bounded slices; what it holds leaves first, and those that run have their
// pages to themselves. As many run as there are cores: fewer would waste them, more would only
// take each other's pages away.
//
// Nobody waits longer than kMostHold at a time, whatever others do: a member that somebody waits
// for (a pipe, a lock, a child) delays, and never stops. It goes on sooner when fewer run than
// may (they wait for it, perhaps), or when there is room for all of it.
//
// When as many as there are cores spend half of their time on paging, one fewer runs: then a core
// is better idle than busy paging (the L = S criterion: the time between faults must not fall below
// what one costs). As long as that lasts a newcomer waits while it is small, even if there is room
// just now: the others grow into it. A page that comes back costs what this host's swap takes for it,
// so a swap file comes to that a tenth as soon as zram.
//
// Safe in signal handlers; one thread of a process at a time holds the roster, the others of that
// process just wait along.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/registry.h"

namespace weir {

struct Engine;

class LoadControl {
 public:
  static constexpr std::uint64_t kMostHoldNs = 8'000'000'000;
  // So long is a turn. Who has waited for as long is not sent back for the time of another.
  static constexpr std::uint64_t kSliceNs = 6'000'000'000;
  // Who has not run for so long waits for something, perhaps for the one that is held. Less, and
  // one that is merely off its core for a moment would let the next one in.
  static constexpr std::uint64_t kIdleNs = 60'000'000;
  // A member that holds less than this part of the limit is no use to hold.
  static constexpr std::uint64_t kLeastShare = 32;

  // Called above the high watermark of `id`. Holds the calling thread if it is its process' turn
  // to wait; gives the ns it was held.
  std::uint64_t step_back(Engine& engine, ContainerId id);

  // Fewer may run in `id` than there are cores: whoever is one too many waits, room or not.
  [[nodiscard]] bool is_strict(Engine& engine, ContainerId id);

 private:
  static constexpr std::size_t kMostPeers = 64;
  struct Peer {
    MemberId member;
    std::uint32_t pid = 0;
    std::uint64_t cpu_ns = 0;
    std::uint64_t moved_ns = 0;  // when that was last seen to have moved
  };

  unsigned cores(Engine& engine);
  bool is_to_wait(Engine& engine, ContainerId id);
  void wait(Engine& engine, ContainerId id);
  bool take_roster(Engine& engine);
  bool may_go_on(Engine& engine, ContainerId id, std::uint64_t since_ns);
  std::size_t count_runners(Engine& engine, ContainerId id, std::uint64_t now_ns);

  std::atomic<std::uint32_t> holder_{0};  // the process of which a thread keeps the roster; else 0, or its parent
  std::atomic<std::uint32_t> cores_{0};
  Peer peers_[kMostPeers] = {};
};

// True when somebody else in `id` and below holds colder memory than we do: one that is held, or has
// been idle for a while, or has more that was not used of late. The coldest of them are woken to
// give it back. A reclaimer asks before it takes from its own process.
bool colder_members_give(Engine& engine, ContainerId id);

// Books what `refaults` pages cost that came back to our member, in its container and every ancestor.
void note_refaults(Engine& engine, std::uint64_t refaults);

}  // namespace weir
