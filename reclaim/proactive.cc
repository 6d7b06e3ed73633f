// proactive.cc - look, compare with the target, take a share of what is cold, choose when to look again.
#include "reclaim/proactive.h"

#include <algorithm>

#include "core/host_memory.h"
#include "core/pressure.h"
#include "reclaim/background.h"
#include "reclaim/engine.h"

namespace weir {
namespace {

constexpr std::uint64_t kCostsOfRest = 100;
constexpr std::int64_t kLockWaitNs = 50'000'000;
// So many turns it takes until memory that was in use has cooled: before, nothing cold means nothing.
constexpr std::uint32_t kTurnsToCool = 4;
constexpr std::uint64_t kIdleCpuNs = 1'000'000;
constexpr std::uint64_t kSwapReserve = 5;  // its fifth part

// What minima leave to be taken: of our own container and of all above it, for nobody asks for room here. What others
// have in hand is gone already.
Pages beyond_minima(const Engine& engine) {
  Pages most = Pages::all();
  for (const ContainerId at : Upwards(engine.view, engine.account.container())) {
    const Pages minimum{engine.view.container(at).minimum.load(std::memory_order_relaxed)};
    if (minimum > Pages::none()) {
      const Subtree subtree = Subtree::below(engine.view, at);
      const Pages leaving = leaving_of(engine.view, subtree, engine.account.member());
      most = std::min(most, usage_of(engine.view, subtree) - minimum - leaving);
    }
  }
  return most;
}

bool swap_is_scarce(Engine& engine) {
  SwapSpace swap;
  return read_swap_space(engine.os, swap) == 0 && swap.free_bytes < swap.total_bytes / kSwapReserve;
}

// What of this process was not used for a while. Nothing where that cannot be told.
Pages find_cold(Engine& engine) {
  const ReclaimGuard looking(engine.os, engine.evidence_lock, kLockWaitNs);
  if (!looking.held() ||
      engine.evidence.pass(engine.os, engine.shared, UseEvidence::For::kRanking, engine.interlude) != 0 ||
      rank_anew(engine, engine.pagemap) != 0) {
    return Pages::none();
  }
  const ReclaimGuard guard(engine.os, engine.shared.lock, kLockWaitNs);
  return guard.held() ? engine.shared.ranking.cold(Proactive::kLeastAge) : Pages::none();
}

Pages evict_in_batches(Engine& engine, Pages wanted) {
  Pages done;
  while (done < wanted) {
    const Pages batch = std::min(wanted - done, kBackgroundBatch);
    engine.record().leaving_pages.store(batch.count, std::memory_order_relaxed);
    const Pages got = evict_batch(engine, engine.pagemap, {batch, true, kNoGroup, Proactive::kLeastAge}).done;
    engine.account.refresh(engine.os, &engine.statm);
    engine.record().leaving_pages.store(0, std::memory_order_relaxed);
    done = done + got;
    if (got == Pages::none()) {
      break;
    }
  }
  count(engine.counters().proactive_evicted, done.count);
  return done;
}

}  // namespace

ProactiveGoal proactive_goal(const Engine& engine) {
  if (engine.container().background.load(std::memory_order_relaxed) == 0) {
    return {};
  }
  for (const ContainerId at : Upwards(engine.view, engine.account.container())) {
    const std::uint32_t target = engine.view.container(at).proactive.load(std::memory_order_relaxed);
    if (target != 0) {
      return {at, target};
    }
  }
  return {};
}

std::int64_t Proactive::turn(Engine& engine, bool busy) {
  const ProactiveGoal goal = proactive_goal(engine);
  if (goal.target == 0) {
    due_ns_ = 0;
    return -1;
  }
  const std::uint64_t now = engine.os.now_ns();
  if (due_ns_ == 0) {
    *this = Proactive{};
    due_ns_ = now + interval_ns_;
  }
  if (now >= due_ns_) {
    const std::uint64_t cpu = engine.os.thread_cpu_ns();
    if (!busy) {
      work(engine, goal);
    }
    cost_ns_ = engine.os.thread_cpu_ns() - cpu;
    count(engine.counters().background_ns, cost_ns_);
    due_ns_ = engine.os.now_ns() + std::max(interval_ns_, cost_ns_ * kCostsOfRest);
  }
  const std::uint64_t left = due_ns_ - std::min(due_ns_, engine.os.now_ns());
  return static_cast<std::int64_t>(left);
}

void Proactive::work(Engine& engine, const ProactiveGoal& goal) {
  const bool used = was_used(engine);
  if (!used && quiet_turns_ >= kTurnsToCool) {
    interval_ns_ = std::min(interval_ns_ * 2, kMostRestNs);
    return;
  }
  if (used && interval_ns_ > kMostIntervalNs) {
    interval_ns_ = kLeastIntervalNs;
    quiet_turns_ = 0;
  }
  if (engine.decay != nullptr) {
    const InAllocator scope(engine);
    engine.decay();  // free pages of the allocator need no place in swap
  }
  engine.account.refresh(engine.os, &engine.statm);
  const Pages cold = find_cold(engine);
  engine.refault_time.measure(engine.os);
  decide(engine, goal, cold);
}

void Proactive::decide(Engine& engine, const ProactiveGoal& goal, Pages cold) {
  const std::uint64_t back = engine.came_back.load(std::memory_order_relaxed);
  const bool much_came_back = (back - back_seen_) * 8 > engine.evicted.load(std::memory_order_relaxed) - evicted_seen_;
  back_seen_ = back;
  evicted_seen_ = engine.evicted.load(std::memory_order_relaxed);
  const std::uint64_t target = goal.target;
  const std::uint64_t pressure = pressure_at(engine.view.container(goal.container).some, engine.os.now_ns()).avg[0];
  if (pressure >= target) {
    share_ = std::min(share_ * 2, kLeastShare);
    look_less_often();
    return;
  }
  // Also where nothing is cold now: a share that stayed small would never be worth a turn again.
  if (pressure < target / 2) {
    share_ = std::max(share_ / 2, kMostShare);
  }
  const Pages share{engine.account.last_reading().count / share_ * (target - pressure) / target};
  const Pages wanted = std::min({cold, share, beyond_minima(engine)});
  const bool worth_it = wanted.count >= kPagesPerGranule && !swap_is_scarce(engine);
  if (!worth_it || evict_in_batches(engine, wanted) == Pages::none()) {
    ++quiet_turns_;
    if (quiet_turns_ > kTurnsToCool) {
      look_less_often();
    }
    return;
  }
  quiet_turns_ = 0;
  much_came_back ? look_less_often() : look_more_often();
}

// The program's own threads, without ours.
bool Proactive::was_used(Engine& engine) {
  const std::uint64_t all = engine.os.process_cpu_ns(static_cast<int>(engine.account.pid()));
  const std::uint64_t own = engine.os.thread_cpu_ns();
  const std::uint64_t program = all > own ? all - own : 0;
  const bool used = program > program_cpu_ns_ + kIdleCpuNs;
  program_cpu_ns_ = std::max(program, program_cpu_ns_);
  return used;
}

void Proactive::look_less_often() {
  interval_ns_ = std::max(interval_ns_, std::min(interval_ns_ * 2, kMostIntervalNs));
}

void Proactive::look_more_often() {
  interval_ns_ = std::max(interval_ns_ / 2, kLeastIntervalNs);
}

}  // namespace weir
