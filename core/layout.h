// layout.h - what the registry file holds, byte for byte.
//
// Shared by processes that may be killed at any instruction and by builds of the same
// kRegistryVersion only: no pointers, no destructors, lock-free atomics, zero is a valid
// start for every field. Change anything here and kRegistryVersion changes with it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/book.h"
#include "core/parse.h"

namespace weir {

inline constexpr std::uint32_t kRegistryVersion = 23;
inline constexpr std::uint64_t kRegistryMagic = 0x3130'7269'6577ULL;  // "weir01", little-endian
inline constexpr std::uint32_t kMaxContainers = 1U << kContainerBits;
inline constexpr std::uint32_t kMaxMembers = 4096;
inline constexpr std::uint32_t kMaxEvents = 4096;
inline constexpr std::size_t kCommBytes = 16;

using Counter = std::atomic<std::uint64_t>;
using Word = std::atomic<std::uint32_t>;

// Why a page that was to leave stayed.
enum class StayReason : std::uint32_t { kShared = 0, kLocked = 1, kHuge = 2, kNoSwap = 3, kBusy = 4, kSwapLimit = 5 };
inline constexpr std::uint32_t kStayReasons = 6;
const char* to_string(StayReason reason);

// How a member notices that it grows. kOff: it is far from every mark.
enum class Meter : std::uint32_t { kOff = 0, kPerf = 1, kFallback = 2 };
const char* to_string(Meter meter);

// Whether a member can give memory back by itself. Stopped it runs nothing; alien it has gone over to a program
// that does not run our code (exec of a static binary).
enum class Reach : std::uint32_t { kItself = 0, kStopped = 1, kAlien = 2 };
const char* to_string(Reach reach);

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
  Counter thrash_since_ns;  // 0: it does not
  Counter level_ns;         // when `level` last changed
  Counter level_start_ns;   // the same by longer windows, for the level
  Counter level_paging_ns;
  Counter page_out_ns;  // what one page-out costs here, smoothed; 0: not known yet
  Word level;           // members that may run at once while it thrashes; 0: as many as there are cores
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

// Memory by how much it was used of late, or how often it came back: 0 is the coldest.
inline constexpr std::uint32_t kHeatClasses = 8;

// What a member's reclaimer may be asked for.
inline constexpr std::uint32_t kRequestDump = 1;
inline constexpr std::uint32_t kRequestRefresh = 2;
inline constexpr std::uint32_t kRequestReclaim = 3;  // MemberRecord::reclaim_wanted pages
inline constexpr std::uint32_t kRequestLeave = 4;    // what it holds stays charged here, where it is about to leave

// Thread groups of one process. After those that rules name comes one without threads: what the process
// left charged where it was when it moved on (reclaim/left_behind.h).
inline constexpr std::uint32_t kMostGroups = 16;
inline constexpr std::uint32_t kLeftBehind = kMostGroups;
inline constexpr std::uint32_t kGroupPlaces = kMostGroups + 1;
inline constexpr const char* kLeftBehindName = "left";
// Threads of a group that are shown by name.
inline constexpr std::uint32_t kShownThreads = 32;

// What a member says of itself beside its book entry. Written by the member only, but for
// `wake`, which anyone may raise.
struct MemberRecord {
  Counter attached_ns;        // Os::now_ns() at attach: a process that started later is another one
  Counter swap_pages;         // what it has paged out, when last read; of what it shares by fork its part
  Counter swap_elsewhere;     // the other parts
  Counter swap_due_ns;        // when these are to be read again
  Counter swap_promised;      // about to be paged out on top of that
  Counter leaving_pages;      // on their way out at this moment: others need not take them, too
  Counter unevictable_pages;  // would not leave when last asked: shared, locked
  Counter shared_pages;       // of a fork child: what it still shares, which its parent pays for
  Counter promised_pages;     // taken in large pieces and not in the book yet, where nobody watches them being touched
  Word meter;
  Word reach;           // as whoever looked last has found it
  Word swap_is_shared;  // 1: with a process that forked it, or that it forked
  Word adopted;         // 1: it never ran our code, and did not attach itself (core/adopt.h)
  Word reclaimer_tid;   // 0: not started
  Word wake;            // futex of the reclaimer: raised by whoever wants it to look
  Word request;         // kRequest* bits, taken by the reclaimer
  Word uid;
  Word home;         // the container it was told to be in plus one; the book says where it is by now
  Word dump_signal;  // 0: the program has that signal for itself
  Counter wakeups;
  Counter outside_at;       // address where paging out from outside goes on
  Word heat[kHeatClasses];  // pages it holds of each class, when it last ranked them
  // Load control. Only the member itself writes these.
  Counter active_ns;         // when it last grew above high
  Counter turn_ns;           // since when it may run: attached, or let go
  Counter held_since_ns;     // 0: it runs
  Counter immune_until_ns;   // it has waited, and is not held again before
  Counter held_ns;           // altogether
  Counter reclaimer_cpu_ns;  // what its reclaimer has used up, as of its last look
  Counter cpu_seen_ns;       // the rest of its CPU time when somebody last saw it change
  Counter cpu_seen_at_ns;    // and when that was: since then it has been idle
  // Thread groups. A group has a place of its own under its process' pid, which the process' record
  // names (plus one) before it is taken: so nobody ever takes the group's place for the process'.
  Word groups[kGroupPlaces];
  Counter groups_pages;                // what they are charged, and the process is not
  Counter groups_swapped;              // and what they have paged out
  Word is_group;                       // 1: this place is a group's
  char group[kMaxComponentBytes + 1];  // and its name, as its rule has it, wherever it was moved
  Word tids[kShownThreads];            // of a group: its threads, or some that have ended; 0: none
  // The warning before a kill.
  Word warn_grace_ms;       // what it asked for; 0: it does not want to be told
  Word warning;             // futex: raised by who is about to kill it
  Counter warned_until_ns;  // when its grace ends, or ended
  // Shrinking on demand: written by who asks, before `request`; answered before it is cleared.
  Counter reclaim_wanted;  // pages
  Counter reclaim_done;    // pages that left or were purged
  Counter reclaim_stayed[kStayReasons];
  char comm[kCommBytes];
};

enum class EventKind : std::uint32_t {
  kNone = 0,
  kCreated,
  kAttached,
  kBadOption,
  kMeter,
  kLimitMet,
  kNoSwap,
  kOom,
  kOomVictim,
  kOomKill,
  kEnomem,
  kSet,
  kDump,
  kKill,     // by `weir kill`
  kReclaim,  // shrinking on demand: value[0] wanted, value[1] done, in bytes
  kMove,     // value[0] bytes of charge that went along
  kRecording,
  kWarned,  // of a kill to come: value[0] grace in ms
  kThrash,  // value[0] seconds
  kMute,    // a member cannot give memory back by itself: value[0] its bytes
};
const char* to_string(EventKind kind);

// One event. `sequence` is the event's number plus one; with the highest bit (core/events.cc) while it is written.
struct EventRecord {
  Counter sequence;
  Counter wall_ns;
  Counter value[2];
  Word kind;
  Word container;
  Word pid;
  Word reserved;
  char container_name[64];  // its end, should it be longer
  char text[128];
};

// A move of several entries that is under way, or was when its mover was killed (core/move_journal.h).
struct MoveJournal {
  struct Part {
    Word place;
    Word pid;
    Word from;
    Word to;
  };
  Word under_way;
  Word parts;  // about to be swapped, the process' own entry last; 0: none yet
  Part list[kGroupPlaces + 1];
};

struct RegistryHeader {
  Counter magic;  // written last by the creator: without it the file is not ready
  Word version;
  Word header_bytes;
  Counter file_bytes;
  Word members_high;  // places ever used: no member lives beyond
  Counter next_event;
  Word flush_ns;  // what it costs to flush another core's TLB (reclaim/placement.h); 0: not measured yet
  Word nested;    // containers that have a parent; 0 spares every sum the walk up the tree
};

struct Registry {
  RegistryHeader header;
  MoveJournal move;
  alignas(64) BookWord books[kMaxMembers];
  // The parent of each container plus one, 0 for a root; dense, for every sum walks it.
  alignas(64) Word parents[kMaxContainers];
  alignas(64) ContainerRecord containers[kMaxContainers];
  alignas(64) MemberRecord members[kMaxMembers];
  alignas(64) EventRecord events[kMaxEvents];
};

inline constexpr std::size_t kRegistryBytes = (sizeof(Registry) + kPageBytes - 1) / kPageBytes * kPageBytes;

}  // namespace weir
