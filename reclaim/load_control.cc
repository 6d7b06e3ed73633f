// load_control.cc - who thrashes, who steps back, and for how long.
#include "reclaim/load_control.h"

#include <algorithm>

#include "core/usage.h"
#include "reclaim/engine.h"
#include "reclaim/kill_warning.h"
#include "reclaim/load_gain.h"
#include "reclaim/peers.h"

namespace weir {
namespace {

constexpr std::uint64_t kWindowNs = 100'000'000;
// The page-out that makes room for one that comes back, until it has been measured, and the fault around
// the reading.
constexpr std::uint64_t kPageOutGuessNs = 12'000;
constexpr std::uint64_t kFaultNs = 3'000;
// A fifth of a core's time: then members take each other's pages away.
constexpr std::uint64_t kThrashShare = 5;
constexpr std::uint64_t kThrashNs = 5'000'000'000;  // and so long is that believed
constexpr std::uint64_t kCalmShare = 20;
constexpr std::uint64_t kBetweenHoldsNs = 10'000'000;
constexpr std::uint64_t kActiveNs = 200'000'000;
constexpr std::int64_t kStepNs = 10'000'000;
constexpr std::uint64_t kIdleCpuNs = 500'000;  // less CPU time than this in a step: it waits for something

// Fewer at once while paging takes half of what may run, more again when it has been calm for
// longer: the one who is let in then makes the others page again before that is seen. A moment's paging
// says nothing: one that goes on after it was held brings its pages back at once.
void adjust_level(LoadRecord& load, unsigned cores, std::uint64_t now) {
  constexpr std::uint64_t kLevelWindowNs = 400'000'000;
  constexpr std::uint64_t kCalmNs = 2'000'000'000;
  std::uint64_t start = load.level_start_ns.load(std::memory_order_acquire);
  if (now - start < kLevelWindowNs ||
      !load.level_start_ns.compare_exchange_strong(start, now, std::memory_order_acq_rel)) {
    return;
  }
  const std::uint64_t total = load.paging_ns.load(std::memory_order_relaxed);
  const std::uint64_t before = load.level_paging_ns.exchange(total, std::memory_order_relaxed);
  if (start == 0) {
    return;
  }
  const std::uint64_t paging_ns = total - before;
  const std::uint64_t since = now - load.level_ns.load(std::memory_order_relaxed);
  const std::uint32_t stored = load.level.load(std::memory_order_relaxed);
  const std::uint32_t level = stored == 0 || stored > cores ? cores : stored;
  std::uint32_t wanted = level;
  if (paging_ns >= (now - start) / 2 * level) {
    wanted = std::max(level - 1, 1U);
  } else if (paging_ns < (now - start) / kCalmShare && since >= kCalmNs) {
    wanted = std::min(level + 1, cores);
  }
  if (wanted != level) {
    load.level.store(wanted, std::memory_order_relaxed);
    load.level_ns.store(now, std::memory_order_relaxed);
  }
}

unsigned level_of(const LoadRecord& load, unsigned cores) {
  const std::uint32_t level = load.level.load(std::memory_order_relaxed);
  return level == 0 ? cores : std::min(level, cores);
}

// Moves the window on, and tells whether the container thrashes.
bool thrashes(LoadRecord& load, unsigned cores, std::uint64_t now) {
  std::uint64_t start = load.window_start_ns.load(std::memory_order_acquire);
  if (now - start >= kWindowNs && load.window_start_ns.compare_exchange_strong(start, now, std::memory_order_acq_rel)) {
    const std::uint64_t total = load.paging_ns.load(std::memory_order_relaxed);
    const std::uint64_t before = load.window_paging_ns.exchange(total, std::memory_order_relaxed);
    const std::uint64_t windows = std::max<std::uint64_t>((now - start) / kWindowNs, 1);
    const std::uint64_t paging_ns = (total - before) / windows;
    if (start != 0 && paging_ns >= kWindowNs / kThrashShare) {
      load.thrash_until_ns.store(now + kThrashNs, std::memory_order_relaxed);
    }
  }
  adjust_level(load, cores, now);
  return now < load.thrash_until_ns.load(std::memory_order_relaxed);
}

// What there is to know of the members when one of them has to step back.
struct Queue {
  std::size_t runners = 0;
  bool somebody_is_due = false;  // has waited for a whole slice
  MemberId youngest;
  std::uint64_t youngest_ns = 0;
  MemberId longest;  // has had the longest turn
  std::uint64_t longest_since_ns = UINT64_MAX;
};

Queue queue_of(const Engine& engine, ContainerId id, std::uint64_t now) {
  Queue queue;
  each_that_counts(engine, id, [&](const BookEntry&, const MemberRecord& record, MemberId member) {
    const std::uint64_t held = record.held_since_ns.load(std::memory_order_relaxed);
    if (held != 0) {
      queue.somebody_is_due = queue.somebody_is_due || now - held >= LoadControl::kSliceNs;
      return;
    }
    const bool active = now - record.active_ns.load(std::memory_order_relaxed) < kActiveNs;
    if (!active) {
      return;
    }
    ++queue.runners;
    const std::uint64_t turn = record.turn_ns.load(std::memory_order_relaxed);
    if (now >= record.immune_until_ns.load(std::memory_order_relaxed) && turn >= queue.youngest_ns) {
      queue.youngest = member;
      queue.youngest_ns = turn;
    }
    if (now - turn >= LoadControl::kSliceNs && turn < queue.longest_since_ns) {
      queue.longest = member;
      queue.longest_since_ns = turn;
    }
  });
  return queue;
}

}  // namespace

std::uint64_t LoadControl::step_back(Engine& engine, ContainerId id) {
  MemberRecord& record = engine.record();
  const std::uint64_t start = engine.os.now_ns();
  record.active_ns.store(start, std::memory_order_relaxed);
  if (engine.view.container(id).load_control.load(std::memory_order_relaxed) == 0) {
    return 0;
  }
  if (record.held_since_ns.load(std::memory_order_relaxed) == 0) {
    if (!is_to_wait(engine, id)) {
      return 0;
    }
    std::uint64_t nobody = 0;
    record.held_since_ns.compare_exchange_strong(nobody, start, std::memory_order_relaxed);
    count(engine.view.container(id).counters.held);
  }
  wait(engine, id);
  const std::uint64_t held = engine.os.now_ns() - start;
  count(engine.view.container(id).counters.held_ns, held);
  count(record.held_ns, held);
  return held;
}

unsigned LoadControl::cores(Engine& engine) {
  if (cores_.load(std::memory_order_relaxed) == 0) {
    cores_.store(std::max(engine.os.cores(), 1U), std::memory_order_relaxed);
  }
  return cores_.load(std::memory_order_relaxed);
}

bool LoadControl::is_strict(Engine& engine, ContainerId id) {
  const LoadRecord& load = engine.view.container(id).load;
  const std::uint64_t until = load.thrash_until_ns.load(std::memory_order_relaxed);
  return until != 0 && level_of(load, cores(engine)) < cores(engine) && engine.os.now_ns() < until;
}

bool LoadControl::is_to_wait(Engine& engine, ContainerId id) {
  const std::uint64_t now = engine.os.now_ns();
  LoadRecord& load = engine.view.container(id).load;
  if (!thrashes(load, cores(engine), now) || !holding_pays(engine.view.container(id))) {
    return false;
  }
  std::uint64_t last = load.last_hold_ns.load(std::memory_order_relaxed);
  if (now - last < kBetweenHoldsNs) {
    return false;
  }
  const Queue queue = queue_of(engine, id, now);
  if (queue.runners <= level_of(load, cores(engine))) {
    return false;
  }
  const bool rotate = queue.somebody_is_due && queue.longest_since_ns != UINT64_MAX;
  const bool me = rotate ? queue.longest == engine.account.member()
                         : queue.youngest_ns != 0 && queue.youngest == engine.account.member();
  if (!me || !load.last_hold_ns.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
    return false;
  }
  load.thrash_until_ns.store(now + kThrashNs, std::memory_order_relaxed);
  return true;
}

void LoadControl::wait(Engine& engine, ContainerId id) {
  MemberRecord& record = engine.record();
  const std::uint64_t since = record.held_since_ns.load(std::memory_order_relaxed);
  const bool keeps_roster = take_roster(engine);
  if (keeps_roster) {
    count_runners(engine, id, engine.os.now_ns());  // where their clocks stand now
    wake_reclaimer(engine);
  }
  while (record.held_since_ns.load(std::memory_order_acquire) != 0) {
    FutexWord never{0};
    static_cast<void>(engine.os.futex_wait(never, 0, kStepNs));
    const std::uint64_t now = engine.os.now_ns();
    if (keeps_roster) {
      keep_minding_gain(engine, id, now);
    }
    if (now - since >= kMostHoldNs || engine.is_called_away() || in_grace(engine, id) ||
        (keeps_roster && may_go_on(engine, id, since))) {
      // Who has hardly waited keeps its place among the others, and may have to wait again.
      if (now - since >= kSliceNs) {
        record.turn_ns.store(now, std::memory_order_relaxed);
        record.immune_until_ns.store(now + kSliceNs, std::memory_order_relaxed);
      }
      record.held_since_ns.store(0, std::memory_order_release);
    }
  }
  if (keeps_roster) {
    holder_.store(0, std::memory_order_release);
  }
}

// A fork child inherits the word of a thread that it does not have.
bool LoadControl::take_roster(Engine& engine) {
  const std::uint32_t pid = engine.account.pid();
  std::uint32_t keeper = holder_.load(std::memory_order_relaxed);
  return keeper != pid && holder_.compare_exchange_strong(keeper, pid, std::memory_order_acq_rel);
}

bool LoadControl::may_go_on(Engine& engine, ContainerId id, std::uint64_t since_ns) {
  const ContainerRecord& container = engine.view.container(id);
  const std::uint64_t now = engine.os.now_ns();
  const std::size_t runners = count_runners(engine, id, now);
  bool is_first = true;
  each_that_counts(engine, id, [&](const BookEntry&, const MemberRecord& record, MemberId) {
    const std::uint64_t held = record.held_since_ns.load(std::memory_order_relaxed);
    is_first = is_first && (held == 0 || held >= since_ns || now - held > kMostHoldNs);
  });
  if (!is_first) {
    return false;
  }
  if (runners < level_of(container.load, cores(engine)) ||
      container.load_control.load(std::memory_order_relaxed) == 0 || !holding_pays(container)) {
    return true;
  }
  if (is_strict(engine, id)) {
    return false;
  }
  const Pages usage = usage_of(engine.view, id);
  return usage + Pages{engine.record().swap_pages.load(std::memory_order_relaxed)} <= marks_of(container).low;
}

std::size_t LoadControl::count_runners(Engine& engine, ContainerId id, std::uint64_t now_ns) {
  std::size_t runners = 0;
  std::size_t place = 0;
  each_that_counts(engine, id, [&](const BookEntry& entry, const MemberRecord& record, MemberId member) {
    const bool is_group = record.is_group.load(std::memory_order_relaxed) != 0;  // its process runs, not it
    if (is_group || record.held_since_ns.load(std::memory_order_relaxed) != 0 || place >= kMostPeers) {
      return;
    }
    Peer& peer = peers_[place++];
    const std::uint64_t cpu = engine.os.process_cpu_ns(static_cast<int>(entry.pid));
    const bool known = peer.pid == entry.pid && peer.member == member;
    if (!known || cpu >= peer.cpu_ns + kIdleCpuNs) {
      peer = {member, entry.pid, cpu, now_ns};
    }
    runners += now_ns - peer.moved_ns < kIdleNs ? 1 : 0;
  });
  return runners;
}

void note_refaults(Engine& engine, std::uint64_t refaults) {
  if (refaults == 0) {
    return;
  }
  const std::uint64_t measured = engine.container().load.page_out_ns.load(std::memory_order_relaxed);
  const std::uint64_t room_ns = measured != 0 ? measured : kPageOutGuessNs;
  const std::uint64_t paging_ns = refaults * (room_ns + kFaultNs + engine.refault_time.read_ns());
  for (const ContainerId at : Upwards(engine.view, engine.account.container())) {
    count(engine.view.container(at).load.paging_ns, paging_ns);
  }
}

}  // namespace weir
