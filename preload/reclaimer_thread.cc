// reclaimer_thread.cc - starting and ending the thread, one of the program's threads at a time.
#include "preload/reclaimer_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "preload/callbacks.h"
#include "preload/jemalloc.h"
#include "preload/own_image.h"
#include "preload/own_thread.h"
#include "preload/process.h"
#include "preload/reclaimer_loop.h"
#include "preload/signals.h"
#include "preload/timed_look.h"

namespace weir {
namespace {

constexpr std::size_t kStackBytes = 128 * kKiB;

constinit pthread_t thread{};
constinit std::atomic<std::uint32_t> being_changed{0};  // 1: one of the program's threads starts it, or ends it

bool claim_change() {
  std::uint32_t nobody = 0;
  return being_changed.compare_exchange_strong(nobody, 1, std::memory_order_acq_rel);
}

void end_change() {
  being_changed.store(0, std::memory_order_release);
  static_cast<void>(process().engine.os.futex_wake(being_changed, INT32_MAX));
}

bool create() {
  OwnThread wanted;
  wanted.run = run_reclaimer;
  wanted.stack_bytes = kStackBytes;
  wanted.joinable = true;
  Engine& engine = process().engine;
  wanted.on_this_core = keeps_to_one_core(engine);
  engine.placement.begin(engine.os, wanted.on_this_core);
  const bool measures = flush_is_unknown(engine);
  if (start_own_thread(wanted, thread) != 0) {
    return false;
  }
  if (measures) {
    engine.placement.spin_for_measuring(engine);
  }
  return true;
}

// Under the claim.
void start_claimed(Process& p) {
  reclaimer_loop().stop_wanted.store(false, std::memory_order_relaxed);
  p.engine.purge = purge_allocator;
  p.engine.decay = decay_allocator;
  p.engine.keep_large = keep_large_blocks;
  if (is_sandbox_child() || !install_meter_signal() || !create()) {
    // Tried once: a program at its thread limit must not pay for another try at every turn.
    p.engine.reclaimer_barred.store(true, std::memory_order_relaxed);
    p.engine.reclaimer_runs.store(false, std::memory_order_release);
  }
}

// Under the claim: of two that join the same thread one would wait for ever.
void stop_claimed(Process& p) {
  reclaimer_loop().stop_wanted.store(true, std::memory_order_release);
  p.engine.record().wake.fetch_add(1, std::memory_order_release);
  static_cast<void>(p.engine.os.futex_wake(p.engine.record().wake, 1));
  pthread_join(thread, nullptr);
  // After the join the kernel may still count it for a moment.
  for (int tries = 0; tries < 1000; ++tries) {
    ProcessStat stat;
    if (read_process_stat(p.engine.os, p.pid.load(std::memory_order_relaxed), stat) != 0 || stat.threads <= 1) {
      break;
    }
    p.engine.os.yield();
  }
}

}  // namespace

void start_reclaimer_thread() {
  Process& p = process();
  if (p.engine.reclaimer_barred.load(std::memory_order_relaxed)) {
    start_threadless_meter();
    return;
  }
  if (!claim_change()) {
    p.thread_wanted.store(true, std::memory_order_relaxed);  // another thread ends it, perhaps
    return;
  }
  const int saved = errno;
  if (!p.engine.reclaimer_runs.exchange(true, std::memory_order_acq_rel)) {
    start_claimed(p);
  }
  end_change();
  await_reclaimer(p.engine);  // memory that grows meanwhile would grow unseen
  errno = saved;
}

void on_reclaimer_timer() {
  if (reclaimer_loop().stop_wanted.load(std::memory_order_acquire) || reclaimer_loop().watch.program_ran()) {
    process().engine.record().wake.fetch_add(1, std::memory_order_release);
  }
}

void stop_reclaimer_thread() {
  constexpr std::int64_t kStepNs = 10'000'000;
  Process& p = process();
  while (!claim_change()) {
    static_cast<void>(p.engine.os.futex_wait(being_changed, 1, kStepNs));
  }
  if (p.engine.reclaimer_runs.load(std::memory_order_acquire)) {
    stop_claimed(p);
  }
  end_change();
}

void stop_lone_reclaimer() {
  Process& p = process();
  ProcessStat stat;
  // The child of a raw clone has its parent's memory, and not its thread.
  const bool runs = is_own_process() && p.engine.reclaimer_runs.load(std::memory_order_acquire);
  if (runs && read_process_stat(p.engine.os, p.pid.load(std::memory_order_relaxed), stat) == 0 && stat.threads <= 2) {
    stop_reclaimer_thread();
  }
}

void forget_reclaimer_change() {
  reclaimer_loop().first_thread_ended.store(false, std::memory_order_relaxed);
  being_changed.store(0, std::memory_order_relaxed);
}

// A poke and no futex: what it sleeps on may have been moved away under it.
void abandon_reclaimer_thread() {
  reclaimer_loop().stop_wanted.store(true, std::memory_order_release);
  const int tid = reclaimer_loop().tid.load(std::memory_order_acquire);
  if (tid != 0) {
    static_cast<void>(process().engine.os.queue_signal(tid, SIGTRAP, GrowthWatch::cookie()));
  }
}

void watch_for_last_thread() {
  if (own_threads_are_uncounted()) {
    return;  // glibc ends the process
  }
  reclaimer_loop().first_thread_ended.store(true, std::memory_order_release);
  Process& p = process();
  if (p.stage.load(std::memory_order_acquire) == Stage::kAttached) {
    wake_reclaimer(p.engine);
  }
}

}  // namespace weir
