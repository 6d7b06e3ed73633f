// proactive.h - with no mark near: pages out what was not used for some time, for as long as that hurts nobody.
//
// As senpai does (Weiner et al., "TMO: transparent memory offloading in datacenters", ASPLOS 2022): a small share of
// the memory leaves in each turn, less of it the nearer pressure comes to its target; above the target nothing does,
// and the share shrinks. senpai leaves the choice to the kernel's lists; here only what several passes of UseEvidence
// found unused is taken, so that a program that uses all it has loses next to nothing.
//
// Turns come every second while there is something to gain. They become rarer when they bring nothing, when pressure is
// above its target, or when what left comes back: then things are used more seldom than we look, and a longer look is
// needed to tell. All of it is at most a hundredth of one core's time. A process that did nothing since the last turn,
// which brought nothing, is not looked at: a few system calls a minute.
//
// What it may not take: what a container's `min` protects, its own or a parent's; what the swap limit forbids; the last
// fifth of swap, which is for those who must page out.
//
// Each member sees to its own memory; the pressure is that of the container which has the target, all members'.
// The reclaimer thread's only.
#pragma once

#include <cstdint>

#include "core/registry.h"
#include "core/units.h"

namespace weir {

struct Engine;

// The nearest container from the process' own upwards that has a target, and what it is. 0: none, or background
// reclaim is switched off. Safe in signal handlers.
struct ProactiveGoal {
  ContainerId container;
  std::uint32_t target = 0;  // hundredths of a percent of `some`, over 10 seconds
};
ProactiveGoal proactive_goal(const Engine& engine);

class Proactive {
 public:
  static constexpr std::uint64_t kLeastIntervalNs = 1'000'000'000;
  static constexpr std::uint64_t kMostIntervalNs = 16'000'000'000;
  static constexpr std::uint64_t kMostRestNs = 64'000'000'000;  // of a process that does nothing
  static constexpr std::uint32_t kLeastAge = 2;                 // turns without use, after those it took to cool
  static constexpr std::uint64_t kMostShare = 16;               // a 16th of its memory may leave in one turn
  static constexpr std::uint64_t kLeastShare = 1024;

  // A turn if one is due, and not when `busy`: reclaim for the marks' sake goes first. Gives the ns until the next one;
  // negative: none will come.
  std::int64_t turn(Engine& engine, bool busy);

  [[nodiscard]] std::uint64_t interval_ns() const {
    return interval_ns_;
  }

 private:
  static constexpr std::uint64_t kFirstShare = 64;

  void work(Engine& engine, const ProactiveGoal& goal);
  void decide(Engine& engine, const ProactiveGoal& goal, Pages cold);
  bool was_used(Engine& engine);
  void look_less_often();
  void look_more_often();

  std::uint64_t due_ns_ = 0;  // 0: not begun
  std::uint64_t interval_ns_ = kLeastIntervalNs;
  std::uint64_t cost_ns_ = 0;  // CPU time of the last turn
  std::uint64_t share_ = kFirstShare;
  std::uint32_t quiet_turns_ = 0;     // in a row, that found nothing cold
  std::uint64_t program_cpu_ns_ = 0;  // what the program had used at the last turn
  std::uint64_t back_seen_ = 0;       // Engine::came_back and ::evicted at the last turn
  std::uint64_t evicted_seen_ = 0;
};

}  // namespace weir
