// timed_look.cc - how soon the timer fires, by the distance to the nearest mark.
#include "preload/timed_look.h"

#include <algorithm>

#include "preload/meter_choice.h"
#include "preload/process.h"
#include "preload/reclaimer_loop.h"
#include "preload/signals.h"

namespace weir {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kThreadlessTick = 4 * kMillisecond;
constexpr std::int64_t kMostTimedTick = 200 * kMillisecond;

}  // namespace

// No thread is wanted, or to be had: the CPU-time timer then interrupts the calling thread itself,
// a coarse net (a scheduler tick of its CPU time) for memory that grows without an allocation.
void start_threadless_meter() {
  Process& p = process();
  static constinit std::atomic<std::uint32_t> started_in{0};
  const std::uint32_t pid = p.pid.load(std::memory_order_relaxed);
  if (started_in.exchange(pid, std::memory_order_relaxed) != pid && install_meter_signal()) {
    reclaimer_loop().watch.open(p.engine);
    reclaimer_loop().watch.set_timer(kThreadlessTick);
    set_meter(p, Meter::kFallback, "fallback: no thread, CPU-time timer and allocations only");
  }
}

void plan_timed_look(const Standing& standing) {
  constexpr std::int64_t kCopiedPerNs = 3;  // bytes, as for fresh memory (reclaim/growth_watch.cc)
  Process& p = process();
  if (!p.timer_watches.load(std::memory_order_relaxed) || p.engine.reclaimer_runs.load(std::memory_order_relaxed)) {
    return;
  }
  const Pages mark = std::min(standing.marks.high, standing.marks.limit);
  const RegistryView& view = p.engine.view;
  const std::uint32_t members = std::max(members_of(view, Subtree::below(view, standing.container)), 1U);
  const auto distance = static_cast<std::int64_t>((mark - standing.usage).bytes() / members);  // all may be at it
  reclaimer_loop().watch.set_timer(std::clamp(distance / kCopiedPerNs / 2, kThreadlessTick, kMostTimedTick));
}

void watch_inherited_memory() {
  constexpr Pages kMuch = Pages::holding(4 * kMiB);
  Process& p = process();
  const Standing standing = p.engine.account.standing(Pages::none());
  // What was taken in large pieces and not touched before is inherited, too.
  const Pages inherited = Pages{p.engine.record().shared_pages.load(std::memory_order_relaxed)} +
                          Pages::holding(p.large_bytes.load(std::memory_order_relaxed));
  const bool is_marked = !standing.marks.high.unlimited() || !standing.marks.limit.unlimited();
  p.timer_watches.store(false, std::memory_order_relaxed);
  if (is_marked && inherited >= kMuch) {
    watch_by_timer();
  }
}

void watch_by_timer() {
  Process& p = process();
  if (!p.engine.reclaimer_runs.load(std::memory_order_relaxed) &&
      !p.timer_watches.exchange(true, std::memory_order_relaxed) && install_meter_signal()) {
    reclaimer_loop().watch.open(p.engine);
    plan_timed_look(p.engine.account.standing(Pages::none()));
  }
}

void stop_timed_look() {
  Process& p = process();
  p.timer_watches.store(false, std::memory_order_relaxed);
  p.thread_wanted.store(false, std::memory_order_relaxed);
  reclaimer_loop().watch.close(p.engine);
}

}  // namespace weir
