// load_gain.cc - phases with and without, and the work done in each.
#include "reclaim/load_gain.h"

#include <algorithm>

#include "core/proc.h"
#include "reclaim/engine.h"
#include "reclaim/peers.h"

namespace weir {
namespace {

constexpr std::uint64_t kSampleNs = 100'000'000;
constexpr std::uint64_t kGapNs = 2'000'000'000;  // so long without a look: what was measured is of another load
constexpr std::uint64_t kWithNs = 2'000'000'000;
constexpr std::uint64_t kWithoutNs = 1'000'000'000;
constexpr std::uint64_t kMostWithoutNs = 32'000'000'000;

// What its members have done since they were last looked at, to their containers and all above.
void credit_work(Engine& engine, ContainerId id) {
  each_that_counts(engine, id, [&](const BookEntry& entry, MemberRecord& record, MemberId) {
    ProcessStat stat;
    if (record.is_group.load(std::memory_order_relaxed) != 0 || read_process_stat(engine.os, entry.pid, stat) != 0) {
      return;  // of a group its process works
    }
    const std::uint64_t before = record.work_seen_ns.exchange(stat.user_ns + 1, std::memory_order_relaxed);
    const std::uint64_t done = before != 0 && stat.user_ns + 1 > before ? stat.user_ns + 1 - before : 0;
    for (const ContainerId at : Upwards(engine.view, entry.container)) {
      count(engine.view.container(at).load.work_ns, done);
    }
  });
}

void begin_phase(LoadRecord& load, bool without, std::uint64_t length_ns, std::uint64_t now) {
  load.gain_length_ns.store(length_ns, std::memory_order_relaxed);
  load.gain_work_ns.store(load.work_ns.load(std::memory_order_relaxed), std::memory_order_relaxed);
  load.gain_start_ns.store(now, std::memory_order_relaxed);
  load.gain_without.store(without ? 1 : 0, std::memory_order_release);
}

// Of one core, in thousandths and never 0, which stands for unknown.
std::uint64_t rate_of(const LoadRecord& load, std::uint64_t length_ns) {
  const std::uint64_t work =
      load.work_ns.load(std::memory_order_relaxed) - load.gain_work_ns.load(std::memory_order_relaxed);
  return 1 + work * 1000 / length_ns;
}

// With it has the benefit of the doubt.
bool is_worse(std::uint64_t with, std::uint64_t without) {
  return with * 10 < without * 9;
}

void next_phase(LoadRecord& load, std::uint64_t now) {
  const bool was_without = load.gain_without.load(std::memory_order_relaxed) != 0;
  Counter& measured = was_without ? load.rate_without : load.rate_with;
  measured.store(rate_of(load, now - load.gain_start_ns.load(std::memory_order_relaxed)), std::memory_order_relaxed);
  const std::uint64_t without = load.rate_without.load(std::memory_order_relaxed);
  const bool worse = without != 0 && is_worse(load.rate_with.load(std::memory_order_relaxed), without);
  const std::uint64_t pause = load.gain_pause_ns.load(std::memory_order_relaxed);
  if (was_without && pause != 0) {
    begin_phase(load, false, kWithNs, now);  // it has been without for long enough to try again
  } else if (worse) {
    const std::uint64_t longer = std::clamp(pause * 2, 2 * kWithoutNs, kMostWithoutNs);
    load.gain_pause_ns.store(longer, std::memory_order_relaxed);
    begin_phase(load, true, longer, now);
  } else {
    load.gain_pause_ns.store(0, std::memory_order_relaxed);
    const bool ask = without == 0;
    begin_phase(load, ask, ask ? kWithoutNs : kWithNs, now);
  }
}

void mind_one(Engine& engine, ContainerId id, std::uint64_t now) {
  ContainerRecord& container = engine.view.container(id);
  LoadRecord& load = container.load;
  std::uint64_t seen = load.work_seen_ns.load(std::memory_order_acquire);
  const std::uint64_t held_until = load.last_hold_ns.load(std::memory_order_relaxed) + LoadControl::kMostHoldNs;
  if (now >= std::max(held_until, load.thrash_until_ns.load(std::memory_order_relaxed)) || now - seen < kSampleNs ||
      container.load_control.load(std::memory_order_relaxed) == 0 ||
      !load.work_seen_ns.compare_exchange_strong(seen, now, std::memory_order_acq_rel)) {
    return;
  }
  credit_work(engine, id);
  if (now - seen > kGapNs) {
    // At first the answer is wanted soon.
    const std::uint64_t length = load.gain_length_ns.load(std::memory_order_relaxed);
    begin_phase(load, !holding_pays(container), std::max(length, kWithoutNs), now);
  } else if (now - load.gain_start_ns.load(std::memory_order_relaxed) >=
             load.gain_length_ns.load(std::memory_order_relaxed)) {
    next_phase(load, now);
  }
}

}  // namespace

void mind_gain(Engine& engine) {
  const std::uint64_t now = engine.os.now_ns();
  for (const ContainerId at : Upwards(engine.view, engine.account.container())) {
    mind_one(engine, at, now);
  }
}

void keep_minding_gain(Engine& engine, ContainerId id, std::uint64_t now) {
  if (now - engine.view.container(id).load.work_seen_ns.load(std::memory_order_relaxed) < 2 * kSampleNs) {
    return;
  }
  if (engine.may_open_here()) {
    mind_gain(engine);
  } else {
    wake_reclaimer(engine);
  }
}

}  // namespace weir
