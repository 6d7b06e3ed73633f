// placement.cc - the cost of a flush, and where the reclaimer runs.
#include "reclaim/placement.h"

#include <sys/mman.h>

#include <algorithm>

#include "reclaim/engine.h"

namespace weir {
namespace {

constexpr std::size_t kFlushes = 9;
constexpr std::uint64_t kMostSpinNs = 1'000'000;

// The median of some: one may meet the scheduler.
std::uint32_t time_flush(Os& os) {
  const MapResult page = os.map_anonymous(kPageBytes);
  if (!page.ok()) {
    return 0;
  }
  auto* const word = static_cast<volatile std::uint64_t*>(page.address);
  std::uint64_t took[kFlushes];
  for (std::uint64_t& one : took) {
    *word = 1;
    const std::uint64_t start = os.now_ns();
    static_cast<void>(os.advise(reinterpret_cast<std::uintptr_t>(page.address), kPageBytes, MADV_DONTNEED));
    one = os.now_ns() - start;
  }
  static_cast<void>(os.unmap(page.address, kPageBytes));
  std::nth_element(took, took + kFlushes / 2, took + kFlushes);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(took[kFlushes / 2], 1, UINT32_MAX));
}

}  // namespace

bool flush_is_unknown(const Engine& engine) {
  return engine.view.raw().header.flush_ns.load(std::memory_order_relaxed) == 0 && engine.os.cores() > 1;
}

bool keeps_to_one_core(const Engine& engine) {
  const std::uint32_t flush_ns = engine.view.raw().header.flush_ns.load(std::memory_order_relaxed);
  // Without background reclaim the reclaimer does not evict, but learns streams: wherever there is a core.
  return engine.container().background.load(std::memory_order_relaxed) != 0 &&
         !engine.many_threads.load(std::memory_order_relaxed) &&
         engine.placement.flush_a_page(flush_ns) >= Placement::kDearNs;
}

bool evicts_in_place(const Engine& engine) {
  return !engine.recorder.is_on() && keeps_to_one_core(engine) &&
         engine.reclaimer_runs.load(std::memory_order_acquire) && !engine.groups.any() &&
         engine.record().meter.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(Meter::kPerf) &&
         is_sampled(engine);
}

void Placement::note_left(Pages done, Pages small) {
  constexpr std::uint64_t kEnough = 16;
  constexpr std::uint32_t kWeight = 8;
  if (done.count < kEnough) {
    return;
  }
  const auto share = static_cast<std::uint32_t>(small.count * kWhole / done.count);
  const std::uint32_t before = small_share_.load(std::memory_order_relaxed);
  small_share_.store((before * (kWeight - 1) + share) / kWeight, std::memory_order_relaxed);
}

void Placement::begin(Os& os, bool on_this_core) {
  note_core(os);
  spins_.store(false, std::memory_order_relaxed);
  measured_.store(false, std::memory_order_relaxed);
  follows_ = on_this_core ? kElsewhere : kAnywhere;
}

void Placement::measure_flush(Engine& engine) {
  const int core = core_.load(std::memory_order_acquire);
  CpuSet others;
  if (flush_is_unknown(engine) && core >= 0 && engine.os.get_cpus(0, others).ok()) {
    others.remove(static_cast<unsigned>(core));
    follows_ = kElsewhere;
    const bool is_apart = others.count() > 0 && engine.os.set_cpus(0, others).ok();
    const std::uint64_t start = engine.os.now_ns();
    while (!spins_.load(std::memory_order_acquire) && engine.os.now_ns() - start < kMostSpinNs) {
    }
    const std::uint32_t took = time_flush(engine.os);
    // One that was not looked for all the time may not have been there.
    if (is_apart && spins_.load(std::memory_order_acquire)) {
      engine.view.raw().header.flush_ns.store(took, std::memory_order_relaxed);
    }
  }
  measured_.store(true, std::memory_order_release);
}

void Placement::spin_for_measuring(Engine& engine) {
  const std::uint64_t start = engine.os.now_ns();
  spins_.store(true, std::memory_order_release);
  while (!measured_.load(std::memory_order_acquire) && engine.os.now_ns() - start < kMostSpinNs) {
  }
  spins_.store(false, std::memory_order_release);
}

void Placement::follow(Engine& engine) {
  const int core = keeps_to_one_core(engine) ? core_.load(std::memory_order_relaxed) : kAnywhere;
  if (core == follows_) {
    return;  // the usual case, of every look
  }
  CpuSet cpus;
  if (core != kAnywhere) {
    cpus.add(static_cast<unsigned>(core));
  } else if (!engine.os.get_cpus(static_cast<int>(engine.account.pid()), cpus).ok()) {
    return;
  }
  // One that is not allowed any more is no harm done: the thread will be seen elsewhere.
  static_cast<void>(engine.os.set_cpus(0, cpus));
  follows_ = core;
}

StayOnCore::StayOnCore(Os& os, bool wanted) : os_(os), stays_(wanted && os.get_cpus(0, before_).ok()) {
  if (stays_) {
    CpuSet here;
    here.add(os.cpu());
    stays_ = os.set_cpus(0, here).ok();
  }
}

StayOnCore::~StayOnCore() {
  if (stays_) {
    static_cast<void>(os_.set_cpus(0, before_));
  }
}

}  // namespace weir
