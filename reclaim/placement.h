// placement.h - who pages a process' memory out: the reclaimer beside it, or the thread that grows.
//
// Before a dirty page is written, the TLBs of all cores that may know it are flushed, page by page
// (mm/vmscan.c: shrink_folio_list, try_to_unmap_flush_dirty). So a reclaimer on another core than the
// program's only thread interrupts it for every page, and waits for the answer; that thread itself, or
// a reclaimer on its core, interrupts nobody. On two virtual cores, where an interrupt leaves the guest,
// a page out takes 6 us from the thread's own core, and 21 us from the other one, of which the thread
// notices 9: there reclaim beside the program is slower even where a core is idle. Where an interrupt
// takes one or two us, the other core's time is worth more than that.
//
// So the cost is measured once a registry, and where it comes to as much as the page-out itself, a
// process with one thread under the perf meter evicts where it grew. Huge pages are flushed as one: where
// most of what leaves is of such, the reclaimer does it after all. (Pages that were read ahead and not
// written since leave without a flush, too, but nothing tells which were written: to take them for clean cost
// programs that write to what they walk over a fifth of their time.)
//
// Its reclaimer follows it from core to core meanwhile: one that ever ran on another core is flushed there
// for up to a second (arch/x86/mm/tlb.c: should_trim_cpumask).
#pragma once

#include <atomic>
#include <cstdint>

#include "core/os.h"
#include "core/units.h"

namespace weir {

struct Engine;

class Placement {
 public:
  // From so much flushing a page on, it is dearer than what another core can take off the thread.
  static constexpr std::uint64_t kDearNs = 6000;

  // The growing thread's core, at each sample. Safe in signal handlers.
  void note_core(Os& os) {
    core_.store(static_cast<int>(os.cpu()), std::memory_order_relaxed);
  }
  // That it evicts where it grew, just now.
  void note_work(std::uint64_t now_ns) {
    worked_ns_.store(now_ns, std::memory_order_relaxed);
  }
  // How much of what left was not of huge pages.
  void note_left(Pages done, Pages small);
  // What flushing costs for one page of what leaves here, ns, when one flush takes `flush_ns`.
  [[nodiscard]] std::uint64_t flush_a_page(std::uint32_t flush_ns) const {
    return std::uint64_t{flush_ns} * small_share_.load(std::memory_order_relaxed) / kWhole;
  }
  // Whether the thread will see to it: it did a moment ago.
  [[nodiscard]] bool thread_works(std::uint64_t now_ns) const {
    return now_ns - worked_ns_.load(std::memory_order_relaxed) < kMomentNs;
  }
  // Times a flush from another core, while the thread that starts the reclaimer spins on its own, and
  // keeps it for the registry. The reclaimer thread's.
  void measure_flush(Engine& engine);
  // Spins until that is over, a millisecond at most. For the thread that starts the reclaimer.
  void spin_for_measuring(Engine& engine);
  // A reclaimer is about to be started, by this thread; `on_this_core`: and only there. What was known of
  // one before, which may have been that of the process we were forked from, is forgotten.
  void begin(Os& os, bool on_this_core);
  // On to the core of the thread that grows, or back to all that are allowed. The reclaimer thread's.
  void follow(Engine& engine);

 private:
  static constexpr std::uint64_t kMomentNs = 20'000'000;
  static constexpr int kAnywhere = -1;
  static constexpr int kElsewhere = -2;  // kept somewhere by us, to be looked at anew
  static constexpr std::uint32_t kWhole = 4096;

  std::atomic<int> core_{kAnywhere};
  std::atomic<std::uint64_t> worked_ns_{0};
  std::atomic<std::uint32_t> small_share_{kWhole};  // smoothed, of kWhole
  std::atomic<bool> spins_{false};                  // the starting thread does, for the measuring
  std::atomic<bool> measured_{false};
  int follows_ = kAnywhere;  // the core the reclaimer was told to stay on
};

// Whether nobody knows yet what a flush costs here, and there is another core to find out with.
bool flush_is_unknown(const Engine& engine);
// Whether a flush is known to be dear, and this process has but one thread.
bool keeps_to_one_core(const Engine& engine);
// Whether the thread of this process evicts where it grows. Not while it is recorded: the recorder
// listens to the reclaimer.
bool evicts_in_place(const Engine& engine);

// For as long as it lives the calling thread, and what it creates, stays on its core.
class StayOnCore {
 public:
  StayOnCore(Os& os, bool wanted);
  ~StayOnCore();
  StayOnCore(const StayOnCore&) = delete;
  StayOnCore& operator=(const StayOnCore&) = delete;

 private:
  Os& os_;
  CpuSet before_;
  bool stays_;
};

}  // namespace weir
