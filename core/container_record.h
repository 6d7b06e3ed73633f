// container_record.h - one container as it stands in the registry: marks, choices, counters, pressure.
#pragma once

#include "core/parse.h"
#include "core/shared_words.h"

namespace weir {

// What has happened to a container since it was made. Counts only ever grow; times in ns.
struct ContainerCounters {
  Counter failcnt;          // charges that met the limit
  Counter allocstall;       // charges that had to reclaim by themselves
  Counter allocstall_ns;    // time they spent doing so
  Counter throttle;         // charges above high that waited a moment for the reclaimer
  Counter throttle_ns;      //
  Counter readahead;        // pages that streams of refaults were expected to need
  Counter readahead_hit;    // of these, there when the stream had passed
  Counter in_place;         // charges above high that evicted where they grew (reclaim/placement.h)
  Counter in_place_ns;      // and how long that took
  Counter background_runs;  // times the reclaimer went from above high to work
  Counter background_ns;    // its CPU time
  Counter evict_requested;  // pages asked to leave
  Counter evict_done;       // pages the scan afterwards no longer found
  Counter evict_stayed[kStayReasons];
  Counter purged;                 // pages of free allocator memory given back
  Counter refault;                // pages found present again after eviction
  Counter refault_ns;             // time their coming back took, as an estimate
  Counter events_low;             // background reclaim that reached low
  Counter events_high;            // rises above high
  Counter events_limit;           // meetings of the limit, once each
  Counter events_oom;             // times nothing could be reclaimed
  Counter events_oom_kill;        // processes killed for it
  Counter events_oom_group_kill;  // times all members were
  Counter events_thrash;          // times it thrashed for longer than it may
  Counter enomem;                 // allocations refused for it
  Counter proactive_evicted;      // pages that left with no mark near
  Counter held;                   // times a member stepped back for others (load control)
  Counter held_ns;                // and for how long
};

inline constexpr std::size_t kPressureWindows = 3;  // 10, 60 and 300 s

// Time in which work stood still (core/pressure.h).
struct PressureRecord {
  Counter total_ns;
  Counter covered_ns;  // Os::now_ns() up to which stalls have been counted
  Counter stalled_ns;  // of total_ns, what is known from when until when
  Counter spent_ns;    // the same for stalls of which only the sum is known: never more than time itself
  Counter sampled_total_ns;
  Counter sampled_at_ns;
  Counter average[kPressureWindows];  // hundredths of a percent, by 2^16
};

inline constexpr std::size_t kDistanceClasses = 32;

// How far refaults of late were from having been avoided (core/working_set.h).
struct DistanceRecord {
  Counter halved_ns;  // when the counts were last halved, so that the past fades
  Counter swapped;    // pages that were out when refaults were last seen
  Word refaults[kDistanceClasses];
};

// What load control knows of a container and those below it (reclaim/load_control.h).
struct LoadRecord {
  Counter paging_ns;  // what refaults cost, with the page-outs that made room for them, as an estimate
  Counter window_start_ns;
  Counter window_paging_ns;  // as it stood when the window began
  Counter thrash_until_ns;
  Counter last_hold_ns;
  Counter second_start_ns;  // the same by the second (reclaim/thrash.h)
  Counter second_paging_ns;
  Counter thrash_since_ns;     // 0: it does not
  Counter thrash_paging_ns;    // and what has been spent on it since
  Counter thrash_capacity_ns;  // of that much
  Counter level_ns;            // when `level` last changed
  Counter level_start_ns;      // the same by longer windows, for the level
  Counter level_paging_ns;
  Counter page_out_ns;  // what one page-out costs here, smoothed; 0: not known yet
  // Whether to hold members pays (reclaim/load_gain.h).
  Counter work_ns;        // CPU time of the members in user mode, as far as it was looked at
  Counter work_seen_ns;   // when that was
  Counter gain_start_ns;  // the phase of the trial, and how long it is to be
  Counter gain_length_ns;
  Counter gain_work_ns;   // as they stood when it began
  Counter gain_pause_ns;  // without, until it is tried with again; 0: it pays
  Counter rate_with;      // work done, in thousandths of a core; 0: not known yet
  Counter rate_without;
  Word gain_without;  // 1: nobody is held just now
  Word level;         // members that may run at once while it thrashes; 0: as many as there are cores
};

// One container. `name` is whole once state is kLive; a free place may be taken under the
// registry's file lock only.
struct ContainerRecord {
  enum State : std::uint32_t { kFree = 0, kRemoved = 1, kLive = 2 };

  Word state;
  Word named;  // 1: stays when its last member is gone
  Word oom_policy;
  Word oom_pause_seconds;
  Word background;      // 1: background reclaim wanted
  Word adaptive;        // 1: nobody set the watermarks by hand, weir moves them
  Word load_control;    // 1: members may be held in turn when they thrash
  Word thrash_seconds;  // in which half of the time goes into paging, until it is told; 0: never
  Word thrash_is_oom;   // 1: and a reason to kill
  Word proactive;       // pressure, in hundredths of a percent, to stay below while reclaiming ahead; 0: off
  Word oom_killer;      // pid of the one who is deciding about a kill, or 0
  Word generation;      // counts changes of the marks
  Word made_by_move;    // 1: for one that has not ended; nobody need be in it yet
  // Members were told that they are about to be killed (reclaim/kill_warning.h): since when, and
  // until when the reserve serves and nobody dies. 0: no such time.
  Counter grace_since_ns;
  Counter grace_until_ns;
  Counter help_until_ns;  // somebody waits at the limit: until then every reclaimer is to help
  Counter help_pages;     // and makes room for so many that come at once
  Counter limit;          // pages; UINT64_MAX: none
  Counter high_watermark;
  Counter low_watermark;
  Counter swap_limit;
  Counter members_read_ns;  // when somebody last read all members anew
  Counter members_took_ns;  // and how long that took
  Counter adopt_due_ns;     // when children that did not attach themselves are to be looked for again
  Counter mute_due_ns;      // when members that give nothing back by themselves are to be looked for again
  Counter adapted_ns;       // when weir last thought about moving them
  Counter adapted_trouble;
  Counter minimum;         // pages that reclaim for an ancestor's sake leaves alone
  Counter peak;            // highest usage seen, pages
  Counter overshoot_peak;  // most by which usage was seen above the limit, pages
  Counter created_wall_ns;
  ContainerCounters counters;
  PressureRecord some;
  PressureRecord full;
  DistanceRecord distances;
  LoadRecord load;
  char name[kMaxNameBytes + 1];
};

// Its policy refuses what does not fit.
inline bool is_enomem(const ContainerRecord& record) {
  return record.oom_policy.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(OomPolicy::kEnomem);
}

}  // namespace weir
