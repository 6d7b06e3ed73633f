// member_record.h - what a member says of itself in the registry, and what it may be asked for.
#pragma once

#include "core/parse.h"
#include "core/shared_words.h"

namespace weir {

inline constexpr std::size_t kCommBytes = 16;

// How a member notices that it grows. kOff: it is far from every mark.
enum class Meter : std::uint32_t { kOff = 0, kPerf = 1, kFallback = 2 };
const char* to_string(Meter meter);

// Whether a member can give memory back by itself. Stopped it runs nothing; alien it has gone over to a program
// that does not run our code (exec of a static binary).
enum class Reach : std::uint32_t { kItself = 0, kStopped = 1, kAlien = 2 };
const char* to_string(Reach reach);

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
  Counter shared_pages;       // of a fork child: what it shares and does not pay for (core/fork_share.h)
  Counter inherited_pages;    // of these at most so many are its parent's
  Counter lent_pages;         // what it had alone when it last forked
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
  Counter work_seen_ns;      // its CPU time in user mode when that was last counted, plus one; 0: not yet
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

}  // namespace weir
