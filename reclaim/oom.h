// oom.h - when nothing can be reclaimed: who goes, what is reported first.
//
// Badness as in the kernel (mm/oom_kill.c: oom_badness): resident, paged-out and page-table
// pages, shifted by oom_score_adj thousandths of the limit; -1000 exempts. Only members of
// the container whose limit was met, and of those below it, are looked at.
//
// Safe in signal handlers: /proc files and the registry only.
#pragma once

#include "reclaim/engine.h"

namespace weir {

struct Victim {
  std::uint32_t pid = 0;  // 0: nobody may be killed
  std::int64_t score = 0;
};

// The score of one process: pages, adjusted. Exempt processes score INT64_MIN.
std::int64_t badness(Pages resident, Pages swapped, Pages page_tables, int oom_score_adj, Pages limit);

// The member with the highest badness in `id` and below.
Victim choose_victim(Engine& engine, ContainerId id);

// Writes the report to the events, then acts by policy: kills the victim (the group), or waits.
// Who asked to be warned is, and dies at a later call (reclaim/kill_warning.h).
// One killer at a time: who finds another at work returns at once, and tries for room again.
void out_of_memory(Engine& engine, const Standing& standing, std::uint64_t stalled_since_ns);

}  // namespace weir
