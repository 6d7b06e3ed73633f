// stats.cc - taking snapshots, and the table of keys.
#include "core/stats.h"

#include <algorithm>
#include <cstring>

#include "core/adopt.h"
#include "core/member_status.h"
#include "core/proc.h"

namespace weir {
namespace {

using Unit = StatRow::Unit;
using S = const ContainerStats&;

constexpr StatRow kRows[] = {
    {"usage", Unit::kBytes, false, "resident anonymous memory of all members", [](S s) { return s.usage.count; }},
    {"swap_usage", Unit::kBytes, false, "memory of the members that is paged out",
     [](S s) { return s.swap_usage.count; }},
    {"unevictable", Unit::kBytes, false,
     "of usage, what would not leave when last asked (shared, locked), and what is held by who cannot be asked",
     [](S s) { return s.unevictable.count; }},
    {"limit", Unit::kBytes, false, "hard limit", [](S s) { return s.marks.limit.count; }},
    {"high_watermark", Unit::kBytes, false, "background reclaim starts above", [](S s) { return s.marks.high.count; }},
    {"low_watermark", Unit::kBytes, false, "background reclaim stops below", [](S s) { return s.marks.low.count; }},
    {"swap_limit", Unit::kBytes, false, "most that may be paged out", [](S s) { return s.swap_limit.count; }},
    {"min", Unit::kBytes, false, "memory that reclaim for an ancestor leaves alone",
     [](S s) { return s.minimum.count; }},
    {"peak", Unit::kBytes, false, "highest usage so far", [](S s) { return s.peak.count; }},
    {"overshoot_peak", Unit::kBytes, false, "most by which usage was seen above the limit",
     [](S s) { return s.overshoot_peak.count; }},
    {"failcnt", Unit::kCount, true, "charges that met the limit", [](S s) { return s.failcnt; }},
    {"allocstall", Unit::kCount, true, "charges that had to reclaim by themselves", [](S s) { return s.allocstall; }},
    {"allocstall_us", Unit::kMicroseconds, true, "time spent in them", [](S s) { return s.allocstall_ns; }},
    {"throttle", Unit::kCount, true, "charges above high that waited a moment for the reclaimer",
     [](S s) { return s.throttle; }},
    {"readahead", Unit::kCount, true, "pages brought in ahead of refaults", [](S s) { return s.readahead; }},
    {"readahead_hit", Unit::kCount, true, "of these, touched by the program", [](S s) { return s.readahead_hit; }},
    {"throttle_us", Unit::kMicroseconds, true, "time spent so", [](S s) { return s.throttle_ns; }},
    {"in_place", Unit::kCount, true, "charges above high that evicted where they grew", [](S s) { return s.in_place; }},
    {"in_place_us", Unit::kMicroseconds, true, "time spent so", [](S s) { return s.in_place_ns; }},
    {"held", Unit::kCount, true, "times a member stepped back so that others keep their pages",
     [](S s) { return s.held; }},
    {"held_us", Unit::kMicroseconds, true, "time members were held so", [](S s) { return s.held_ns; }},
    {"background_runs", Unit::kCount, true, "times background reclaim went to work",
     [](S s) { return s.background_runs; }},
    {"background_us", Unit::kMicroseconds, true, "CPU time of background reclaim", [](S s) { return s.background_ns; }},
    {"evict_requested", Unit::kBytes, true, "memory asked to leave", [](S s) { return s.evict_requested.count; }},
    {"evict_done", Unit::kBytes, true, "of it, what was gone when looked at afterwards",
     [](S s) { return s.evict_done.count; }},
    {"proactive_evicted", Unit::kBytes, true, "of it, with no mark near (WEIR_PROACTIVE)",
     [](S s) { return s.proactive_evicted.count; }},
    {"purged", Unit::kBytes, true, "free allocator memory given back", [](S s) { return s.purged.count; }},
    {"refault", Unit::kCount, true, "pages found back in memory after they were evicted",
     [](S s) { return s.refault; }},
    {"refault_us", Unit::kMicroseconds, true, "time their coming back took, as an estimate",
     [](S s) { return s.refault_ns; }},
    {"refault_rate", Unit::kCount, false, "refaults per second, of the last half minute",
     [](S s) { return s.working_set.refaults_per_second; }},
    {"working_set_half", Unit::kBytes, false, "memory to add for half of these refaults",
     [](S s) { return s.working_set.for_half.count; }},
    {"working_set_tenth", Unit::kBytes, false, "memory to add for a tenth of them",
     [](S s) { return s.working_set.for_tenth.count; }},
    {"enomem", Unit::kCount, true, "allocations refused", [](S s) { return s.enomem; }},
    {"events_low", Unit::kCount, true, "times background reclaim reached low", [](S s) { return s.events_low; }},
    {"events_high", Unit::kCount, true, "rises above the high watermark", [](S s) { return s.events_high; }},
    {"events_limit", Unit::kCount, true, "meetings of the limit", [](S s) { return s.events_limit; }},
    {"events_oom", Unit::kCount, true, "times nothing could be reclaimed", [](S s) { return s.events_oom; }},
    {"events_oom_group_kill", Unit::kCount, true, "times all members were killed for it",
     [](S s) { return s.events_oom_group_kill; }},
    {"events_thrash", Unit::kCount, true, "times paging took half of the time for longer than it may (WEIR_THRASH)",
     [](S s) { return s.events_thrash; }},
    {"events_oom_kill", Unit::kCount, true, "processes killed for it", [](S s) { return s.events_oom_kill; }},
    {"members", Unit::kCount, false, "processes, and thread groups of processes",
     [](S s) { return std::uint64_t{s.members}; }},
};

void copy_counters(const ContainerCounters& from, ContainerStats& to) {
  const auto get = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
  to.failcnt = get(from.failcnt);
  to.allocstall = get(from.allocstall);
  to.allocstall_ns = get(from.allocstall_ns);
  to.throttle = get(from.throttle);
  to.throttle_ns = get(from.throttle_ns);
  to.in_place = get(from.in_place);
  to.in_place_ns = get(from.in_place_ns);
  to.readahead = get(from.readahead);
  to.readahead_hit = get(from.readahead_hit);
  to.held = get(from.held);
  to.held_ns = get(from.held_ns);
  to.background_runs = get(from.background_runs);
  to.background_ns = get(from.background_ns);
  to.evict_requested = Pages{get(from.evict_requested)};
  to.evict_done = Pages{get(from.evict_done)};
  to.proactive_evicted = Pages{get(from.proactive_evicted)};
  to.purged = Pages{get(from.purged)};
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    to.evict_stayed[i] = Pages{get(from.evict_stayed[i])};
  }
  to.refault = get(from.refault);
  to.refault_ns = get(from.refault_ns);
  to.enomem = get(from.enomem);
  to.events_low = get(from.events_low);
  to.events_high = get(from.events_high);
  to.events_limit = get(from.events_limit);
  to.events_oom = get(from.events_oom);
  to.events_oom_kill = get(from.events_oom_kill);
  to.events_oom_group_kill = get(from.events_oom_group_kill);
  to.events_thrash = get(from.events_thrash);
}

// A thread group's memory cannot be told from outside: it says itself.
bool is_group(const MemberRecord& record) {
  return record.is_group.load(std::memory_order_relaxed) != 0;
}

void refresh_charge(Os& os, RegistryView& view, MemberId id, std::uint32_t pid) {
  Pages anonymous;
  MemberRecord& record = view.member(id);
  record.promised_pages.store(0, std::memory_order_relaxed);
  if (reach_of(record) != Reach::kItself) {
    note_status(os, view, id, pid);  // it may go on by now, and should be asked again
  }
  if (!is_group(record) && read_anonymous(os, pid, anonymous) == 0) {
    view.book(id).set_charge(pid, own_share(record, anonymous));
  }
}

}  // namespace

void refresh_member(Os& os, RegistryView& view, MemberId id, std::uint32_t pid) {
  MemberRecord& record = view.member(id);
  ProcessStat stat;
  if (read_process_stat(os, pid, stat) == 0) {
    std::memcpy(record.comm, stat.comm, sizeof(record.comm));
  }
  refresh_charge(os, view, id, pid);
  note_status(os, view, id, pid);
}

namespace {

// Calls `refresh` for the living members of the subtree and frees the places of the dead.
void refresh_each(Os& os, RegistryView& view, const Subtree& subtree, std::uint32_t except_pid,
                  void (*refresh)(Os&, RegistryView&, MemberId, std::uint32_t)) {
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const MemberId id{i};
    const BookEntry entry = view.book(id).load();
    if (entry.pid == 0 || entry.pid == except_pid || !subtree.holds(entry.container)) {
      continue;
    }
    if (member_is_dead(os, view.member(id), entry.pid)) {
      view.book(id).replace(entry, BookEntry{});
    } else {
      refresh(os, view, id, entry.pid);
    }
  }
}

}  // namespace

const StatRow* stat_rows(std::size_t* count) {
  *count = std::size(kRows);
  return kRows;
}

void refresh_members(Os& os, RegistryView& view, const Subtree& subtree) {
  adopt_children(os, view, subtree);
  refresh_each(os, view, subtree, 0, refresh_member);
}

void refresh_charges(Os& os, RegistryView& view, const Subtree& subtree, std::uint32_t except_pid) {
  refresh_each(os, view, subtree, except_pid, refresh_charge);
}

bool next_member(const RegistryView& view, const Subtree& subtree, std::uint32_t& cursor, MemberStats& out) {
  for (const std::uint32_t high = view.members_high(); cursor < high; ++cursor) {
    const MemberId id{cursor};
    const BookEntry entry = view.book(id).load();
    if (entry.pid == 0 || !subtree.holds(entry.container)) {
      continue;
    }
    const MemberRecord& record = view.member(id);
    out.pid = entry.pid;
    std::memcpy(out.comm, record.comm, sizeof(out.comm));
    out.comm[sizeof(out.comm) - 1] = '\0';
    out.usage = entry.charge;
    out.swap_usage = Pages{record.swap_pages.load(std::memory_order_relaxed)};
    out.reach = reach_of(record);
    const Pages stays{record.unevictable_pages.load(std::memory_order_relaxed)};
    out.unevictable = out.reach == Reach::kItself ? std::min(stays, entry.charge) : entry.charge;
    out.meter = static_cast<Meter>(record.meter.load(std::memory_order_relaxed));
    out.held_ns = record.held_ns.load(std::memory_order_relaxed);
    out.is_group = is_group(record);
    std::memcpy(out.group, record.group, sizeof(out.group));
    out.group[sizeof(out.group) - 1] = '\0';
    for (std::size_t i = 0; i < kShownThreads; ++i) {
      out.tids[i] = record.tids[i].load(std::memory_order_relaxed);
    }
    out.wakeups = record.wakeups.load(std::memory_order_relaxed);
    ++cursor;
    return true;
  }
  return false;
}

ContainerStats container_stats(Os& os, RegistryView& view, ContainerId id, Look look) {
  const Subtree subtree = Subtree::below(view, id);
  if (look == Look::kProc) {
    refresh_members(os, view, subtree);
  }
  ContainerStats stats;
  ContainerRecord& record = view.container(id);
  std::memcpy(stats.name, record.name, sizeof(stats.name));
  stats.name[sizeof(stats.name) - 1] = '\0';
  MemberStats member;
  for (std::uint32_t cursor = 0; next_member(view, subtree, cursor, member);) {
    stats.usage = stats.usage + member.usage;
    stats.swap_usage = stats.swap_usage + member.swap_usage;
    stats.unevictable = stats.unevictable + member.unevictable;
    ++stats.members;
    stats.meter = std::max(stats.meter, member.meter);
  }
  if (look == Look::kProc) {
    note_usage(record, stats.usage);
  }
  stats.marks = marks_of(record);
  stats.swap_limit = Pages{record.swap_limit.load(std::memory_order_relaxed)};
  stats.minimum = Pages{record.minimum.load(std::memory_order_relaxed)};
  stats.peak = Pages{record.peak.load(std::memory_order_relaxed)};
  stats.overshoot_peak = Pages{record.overshoot_peak.load(std::memory_order_relaxed)};
  stats.oom.policy = static_cast<OomPolicy>(record.oom_policy.load(std::memory_order_relaxed));
  stats.oom.pause_seconds = record.oom_pause_seconds.load(std::memory_order_relaxed);
  stats.background = record.background.load(std::memory_order_relaxed) != 0;
  stats.adaptive = record.adaptive.load(std::memory_order_relaxed) != 0;
  stats.load_control = record.load_control.load(std::memory_order_relaxed) != 0;
  stats.proactive = record.proactive.load(std::memory_order_relaxed);
  stats.thrash = thrash_of(record);
  copy_counters(record.counters, stats);
  stats.some = pressure_at(record.some, os.now_ns());
  stats.full = pressure_at(record.full, os.now_ns());
  stats.working_set = working_set_at(record.distances, os.now_ns());
  return stats;
}

}  // namespace weir
