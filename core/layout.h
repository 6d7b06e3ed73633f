// layout.h - what the registry file holds, byte for byte.
//
// Shared by processes that may be killed at any instruction and by builds of the same
// kRegistryVersion only: no pointers, no destructors, lock-free atomics, zero is a valid
// start for every field. Change anything here, in container_record.h or in member_record.h, and kRegistryVersion
// changes with it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/book.h"
#include "core/container_record.h"
#include "core/member_record.h"

namespace weir {

inline constexpr std::uint32_t kRegistryVersion = 28;
inline constexpr std::uint64_t kRegistryMagic = 0x3130'7269'6577ULL;  // "weir01", little-endian
inline constexpr std::uint32_t kMaxContainers = 1U << kContainerBits;
inline constexpr std::uint32_t kMaxMembers = 4096;
inline constexpr std::uint32_t kMaxEvents = 4096;

// What its numbers are: core/event_words.cc.
enum class EventKind : std::uint32_t {
  kNone = 0,
  kCreated,
  kBadOption,
  kMeter,
  kLimitMet,  // the first time since the container was made
  kNoSwap,
  kOom,
  kOomVictim,
  kOomKill,
  kEnomem,
  kSet,
  kDump,
  kKill,     // by `weir kill`
  kReclaim,  // shrinking on demand
  kMove,
  kRecording,
  kWarned,  // of a kill to come
  kThrash,
  kMute,  // a member cannot give memory back by itself
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
  Word flush_ns;          // what it costs to flush another core's TLB (reclaim/placement.h); 0: not measured yet
  Word nested;            // containers that have a parent; 0 spares every sum the walk up the tree
  Counter pid_namespace;  // of its creator, whose pids all pids in here are; 0: not known
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
