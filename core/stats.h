// stats.h - a container's statistics: one snapshot, one table of keys, three formats.
//
// The table is the only list of keys: text, JSON, Prometheus and the man page follow it.
// Sizes are bytes, times microseconds, counts plain numbers. Safe in signal handlers: the
// caller supplies the memory and the sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/pressure.h"
#include "core/registry.h"
#include "core/usage.h"
#include "core/working_set.h"

namespace weir {

struct MemberStats {
  std::uint32_t pid = 0;
  char comm[kCommBytes] = {};
  Pages usage;
  Pages swap_usage;
  Meter meter = Meter::kOff;
  Reach reach = Reach::kItself;
  Pages unevictable;
  std::uint64_t wakeups = 0;
  std::uint64_t held_ns = 0;
  bool is_group = false;                    // a thread group of the process, not the process
  char group[kMaxComponentBytes + 1] = {};  // its name
  std::uint32_t tids[kShownThreads] = {};   // its threads; 0: none, and some may have ended
};

struct ContainerStats {
  char name[kMaxNameBytes + 1] = {};
  Pages usage;
  Pages swap_usage;
  Pages unevictable;
  Marks marks;
  Pages swap_limit;
  Pages minimum;
  Pages peak;
  Pages overshoot_peak;
  OomChoice oom;
  bool background = true;
  bool load_control = true;
  bool adaptive = false;
  std::uint32_t proactive = 0;  // hundredths of a percent; 0: off
  ThrashChoice thrash;
  // The counters as they stood, in the order of ContainerCounters.
  std::uint64_t failcnt = 0, allocstall = 0, allocstall_ns = 0, throttle = 0, throttle_ns = 0;
  std::uint64_t in_place = 0, in_place_ns = 0;
  std::uint64_t readahead = 0, readahead_hit = 0;
  std::uint64_t held = 0, held_ns = 0;
  std::uint64_t background_runs = 0, background_ns = 0;
  Pages evict_requested, evict_done, proactive_evicted, purged;
  Pages evict_stayed[kStayReasons];
  std::uint64_t refault = 0, refault_ns = 0, enomem = 0;
  std::uint64_t events_low = 0, events_high = 0, events_limit = 0, events_oom = 0, events_oom_kill = 0,
                events_oom_group_kill = 0, events_thrash = 0;
  Pressure some, full;
  WorkingSet working_set;
  std::uint32_t members = 0;
  Meter meter = Meter::kOff;  // the weakest meter among the members that run one
};

// How fresh the figures are: what the books say, or a new look at every member's /proc first.
enum class Look { kBooks, kProc };

// Re-reads one living member from /proc into the books.
void refresh_member(Os& os, RegistryView& view, MemberId id, std::uint32_t pid);

// Re-reads every member of that container and below it from /proc into the books, and forgets
// the dead, and takes in children that did not attach themselves (core/adopt.h). Some ten microseconds a member.
void refresh_members(Os& os, RegistryView& view, const Subtree& subtree);

// Only the charges, from statm: some 5 us a member. A process that asks leaves itself out: its account knows which
// faults its own reading has seen (reclaim/account.h), ours would count them twice.
void refresh_charges(Os& os, RegistryView& view, const Subtree& subtree, std::uint32_t except_pid = 0);

ContainerStats container_stats(Os& os, RegistryView& view, ContainerId id, Look look);
// The members of a container and those below it, from `cursor` on (start with 0). False: no more.
bool next_member(const RegistryView& view, const Subtree& subtree, std::uint32_t& cursor, MemberStats& out);

// Where formatted text goes.
class Sink {
 public:
  virtual void put(std::string_view text) = 0;

 protected:
  ~Sink() = default;
};

// One container with its members, as WEIR_DUMP_FORMAT and --format ask for it.
void format_stats(const RegistryView& view, ContainerId id, const ContainerStats& stats, DumpFormat format, Sink& out);
// Prometheus wants HELP and TYPE once, before the samples of all containers.
void format_prometheus_families(const RegistryView& view, const ContainerId* ids, const ContainerStats* stats,
                                std::size_t count, Sink& out);

// The rows of the table, for documentation and tests.
struct StatRow {
  const char* key;
  enum class Unit { kBytes, kMicroseconds, kCount } unit;
  bool monotone;  // a Prometheus counter; else a gauge
  const char* help;
  std::uint64_t (*get)(const ContainerStats&);  // pages, ns or a count; UINT64_MAX pages: no limit
};
const StatRow* stat_rows(std::size_t* count);

}  // namespace weir
