// pressure.cc - covered time, and averages that decay by steps of two seconds.
#include "core/pressure.h"

#include <algorithm>

namespace weir {
namespace {

constexpr std::uint64_t kStepNs = 2'000'000'000;
constexpr std::uint64_t kSpreadNs = 1'000'000'000;  // how far back a sum may lie
constexpr std::uint64_t kMostSteps = 2000;          // more than an hour: nothing is left of any average
constexpr std::uint64_t kFullScale = 10'000;
// e^(-2s/window) in 1/2^16: a decay of one step (kernel/sched/psi.c: EXP_10s and so on, finer).
constexpr std::uint64_t kOne = 1 << 16;
constexpr std::array<std::uint64_t, kPressureWindows> kDecay = {53656, 63387, 65101};

// An average after `steps` in which the share of stalled time was `sample`. Both scaled by kOne.
std::uint64_t decayed(std::uint64_t average, std::uint64_t sample, std::uint64_t decay, std::uint64_t steps) {
  for (std::uint64_t i = 0; i < steps; ++i) {
    average = (average * decay + sample * (kOne - decay)) / kOne;
  }
  return average;
}

void bring_up_to_date(PressureRecord& record, std::uint64_t now_ns) {
  std::uint64_t last = record.sampled_at_ns.load(std::memory_order_acquire);
  const std::uint64_t steps = last == 0 || now_ns < last ? 0 : (now_ns - last) / kStepNs;
  if (last != 0 && steps == 0) {
    return;
  }
  // Who moves the time does the sum; another one at the same moment finds it done.
  const std::uint64_t until = last == 0 ? now_ns : last + steps * kStepNs;
  if (!record.sampled_at_ns.compare_exchange_strong(last, until, std::memory_order_acq_rel)) {
    return;
  }
  const std::uint64_t total = record.total_ns.load(std::memory_order_relaxed);
  const std::uint64_t before = record.sampled_total_ns.exchange(total, std::memory_order_relaxed);
  if (steps == 0) {
    return;
  }
  const std::uint64_t stalled = std::min(total > before ? total - before : 0, steps * kStepNs);
  const std::uint64_t sample = stalled / 1000 * kFullScale / (steps * kStepNs / 1000) * kOne;
  for (std::size_t i = 0; i < kPressureWindows; ++i) {
    const std::uint64_t average = record.average[i].load(std::memory_order_relaxed);
    record.average[i].store(decayed(average, sample, kDecay[i], std::min(steps, kMostSteps)),
                            std::memory_order_relaxed);
  }
}

// Takes up to `wanted_ns` of the time since `from_ns` that nothing was booked for; all of it where
// `whole`, for then it is known to have happened. Gives what was taken.
std::uint64_t spend(PressureRecord& record, std::uint64_t wanted_ns, std::uint64_t from_ns, std::uint64_t now_ns,
                    bool whole) {
  std::uint64_t spent = record.spent_ns.load(std::memory_order_relaxed);
  for (;;) {
    // A clock that was set back (another boot) must not stop the count until it has caught up.
    const std::uint64_t begin = std::clamp(spent, from_ns, std::max(from_ns, now_ns + kSpreadNs));
    const std::uint64_t taken = whole ? wanted_ns : std::min(wanted_ns, now_ns > begin ? now_ns - begin : 0);
    if (record.spent_ns.compare_exchange_weak(spent, begin + taken, std::memory_order_relaxed)) {
      return taken;
    }
  }
}

// Not below 0.
constexpr std::uint64_t less(std::uint64_t from, std::uint64_t amount) {
  return from > amount ? from - amount : 0;
}

}  // namespace

StallStart begin_stall(const PressureRecord& record, std::uint64_t now_ns) {
  return {now_ns, record.stalled_ns.load(std::memory_order_relaxed)};
}

void note_stall(PressureRecord& record, const StallStart& start, std::uint64_t end_ns) {
  bring_up_to_date(record, start.ns);  // so that a long calm before is not part of this sample
  std::uint64_t covered = record.covered_ns.load(std::memory_order_relaxed);
  while (end_ns > covered && !record.covered_ns.compare_exchange_weak(covered, end_ns, std::memory_order_relaxed)) {
  }
  const std::uint64_t fresh = less(end_ns, std::max(start.ns, covered));
  const std::uint64_t since = less(record.stalled_ns.load(std::memory_order_relaxed), start.stalled_ns);
  const std::uint64_t added = std::max(fresh, less(less(end_ns, start.ns), since));
  record.stalled_ns.fetch_add(added, std::memory_order_relaxed);
  record.total_ns.fetch_add(spend(record, added, end_ns - added, end_ns, true), std::memory_order_relaxed);
}

std::uint64_t note_stalled_sum(PressureRecord& record, std::uint64_t sum_ns, std::uint64_t now_ns) {
  bring_up_to_date(record, now_ns);
  const std::uint64_t taken = spend(record, sum_ns, now_ns > kSpreadNs ? now_ns - kSpreadNs : 0, now_ns, false);
  record.total_ns.fetch_add(taken, std::memory_order_relaxed);
  return taken;
}

Pressure pressure_at(PressureRecord& record, std::uint64_t now_ns) {
  bring_up_to_date(record, now_ns);
  Pressure pressure;
  pressure.total_us = record.total_ns.load(std::memory_order_relaxed) / 1000;
  for (std::size_t i = 0; i < kPressureWindows; ++i) {
    const std::uint64_t scaled = record.average[i].load(std::memory_order_relaxed) / kOne;
    pressure.avg[i] = static_cast<std::uint32_t>(std::min(scaled, kFullScale));
  }
  return pressure;
}

const char* pressure_window_name(std::size_t window) {
  constexpr std::array<const char*, kPressureWindows> kNames = {"avg10", "avg60", "avg300"};
  return kNames[window % kPressureWindows];
}

}  // namespace weir
