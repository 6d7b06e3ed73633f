// process.h - weir inside one process: the engine, the options, and what has been started.
//
// The only door from hooks to logic. One constinit object: usable before any constructor,
// never destroyed. The hooks call the functions below and nothing else.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/options.h"
#include "preload/scope.h"
#include "reclaim/engine.h"

namespace weir {

enum class Stage : std::uint32_t {
  kIdle = 0,      // not attached: the program runs as if weir were not there
  kAttached = 1,  // charged to a container
  kPassive = 2,   // still in the books, but a system-call filter is coming, or valgrind is: no call of ours any more
};

struct Process {
  constexpr Process() : engine(raw_os()) {}

  Engine engine;
  Options options;
  std::atomic<Stage> stage{Stage::kIdle};
  std::atomic<std::uint32_t> pid{0};
  // Bytes the allocator may take from the kernel before the next look at the marks.
  std::atomic<std::int64_t> growth_budget{INT64_MAX};
  std::atomic<std::int64_t> group_budgets[kGroupPlaces] = {};  // the same for threads of a group
  // Bytes of large extents and mappings so far: memory that may be touched without another call.
  std::atomic<std::uint64_t> large_bytes{0};
  // The container the environment named, plus one; 0 when it named none.
  std::atomic<std::uint32_t> home{0};
  std::atomic<bool> thread_wanted{false};
  std::atomic<bool> timer_watches{false};  // what grows meanwhile: inherited memory, small commits
  std::atomic<bool> purge_wanted{false};
  std::atomic<bool> let_large_go{false};  // a fork child's allocator keeps large blocks, and it has no reclaimer
};

Process& process();

// Reads the environment, opens the registry, attaches. Called once by the constructor.
void start_process();
// Takes this process' entry out of the books. Called by the destructor.
void end_process();
// The program is about to filter its system calls, and might be killed for one of ours: stops
// the reclaimer and does nothing more. Others still read our charge from /proc.
void go_passive();
// The registry is gone, and what lies in its place knows nobody: the program runs on without us. Signal-safe.
void lose_registry();
// In a fork child: a place of its own, and nothing that was started.
void restart_in_child();
// False in a vfork child, which borrows its parent's memory and must leave it alone; a raw
// fork's child is noticed here and given its own place.
bool is_own_process();

}  // namespace weir
