// reclaimer_thread.cc - sleep, look, work; and the timers that decide how long to sleep.
#include "preload/reclaimer_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>

#include "core/raw_syscall.h"
#include "preload/callbacks.h"
#include "preload/dump.h"
#include "preload/jemalloc.h"
#include "preload/meter_choice.h"
#include "preload/own_image.h"
#include "preload/own_thread.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/recording.h"
#include "preload/settle.h"
#include "preload/signals.h"
#include "reclaim/background.h"
#include "reclaim/growth_watch.h"
#include "reclaim/kill_warning.h"
#include "reclaim/left_behind.h"
#include "reclaim/shrink.h"
#include "reclaim/thrash.h"
#include "reclaim/unseen_growth.h"

namespace weir {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kThreadlessTick = 4 * kMillisecond;
constexpr std::int64_t kMostTimedTick = 200 * kMillisecond;
constexpr std::int64_t kLastThreadPoll = 50 * kMillisecond;
constexpr std::size_t kStackBytes = 128 * kKiB;

constinit GrowthWatch watch;
constinit UnseenGrowth unseen;
constinit std::atomic<bool> stop_wanted{false};
constinit std::atomic<bool> first_thread_ended{false};
constinit pthread_t thread{};
constinit std::atomic<int> thread_tid{0};               // 0: it does not run
constinit std::atomic<std::uint32_t> being_changed{0};  // 1: one of the program's threads starts it, or ends it

void serve_requests(Process& p) {
  Word& request = p.engine.record().request;
  const std::uint32_t asked = request.load(std::memory_order_acquire);
  if (asked == kRequestRefresh) {
    if (p.engine.groups.any()) {
      static_cast<void>(p.engine.groups.scan(p.engine.os, p.engine.pagemap));
    }
    refresh_members(p.engine.os, p.engine.view, Subtree::below(p.engine.view, p.engine.account.container()));
  } else if (asked == kRequestDump) {
    write_dump(Look::kProc);
  }
  serve_group_requests(p.engine);
  if (asked == kRequestReclaim) {
    serve_reclaim_request(p.engine, p.engine.pagemap, true);
  } else if (asked == kRequestLeave) {
    serve_leave_request(p.engine, p.engine.pagemap);
  } else if (asked != 0) {
    request.store(0, std::memory_order_release);
    static_cast<void>(p.engine.os.futex_wake(request, 1));
  }
}

// The reclaimer must not outlive the program's last thread.
void leave_if_last(Process& p) {
  ProcessStat stat;
  const int error = read_process_stat(p.engine.os, p.pid.load(std::memory_order_relaxed), stat);
  if (error == 0 && stat.state == 'Z' && stat.threads <= 2 + callback_threads()) {
    end_process();
    raw_syscall(SYS_exit_group, 0);
  }
}

// Of two sleeps the shorter; negative is for ever.
std::int64_t sooner(std::int64_t a, std::int64_t b) {
  return a < 0 || (b >= 0 && b < a) ? b : a;
}

// Longer each time that nothing leaves and nobody has woken it: growing, or waiting.
std::int64_t rest_after(const LookResult& result, std::uint32_t seen) {
  constexpr int kMostDoublings = 5;
  static int doublings = 0;
  static std::uint32_t seen_before = 0;
  doublings = result.fruitless && seen == seen_before ? std::min(doublings + 1, kMostDoublings) : 0;
  seen_before = seen;
  return pause_after(result) << doublings;
}

// How long to sleep, given what the look found; `seen`: the futex before it. Negative: until woken.
std::int64_t sleep_after(Process& p, const LookResult& result, std::uint32_t seen) {
  std::int64_t sleep = sooner(rest_after(result, seen), watch.plan(p.engine, result.standing));
  sleep = sooner(sleep, mind_grace(p.engine));
  return first_thread_ended.load(std::memory_order_acquire) ? sooner(sleep, kLastThreadPoll) : sleep;
}

void sleep_for(Process& p, std::uint32_t seen, std::int64_t ns) {
  if (ns == 0) {
    return;
  }
  Engine& engine = p.engine;
  engine.reclaimer_sleeps.store(true, std::memory_order_seq_cst);
  // Not for who was served, and waits for a core only: this may be the one it waits for.
  if (!engine.unserved.load(std::memory_order_seq_cst)) {
    static_cast<void>(engine.os.futex_wait(engine.record().wake, seen, ns));
  }
  engine.reclaimer_sleeps.store(false, std::memory_order_release);
  count(engine.record().wakeups);
}

void* run(void*) {
  const WeirScope scope;
  Process& p = process();
  settle(p);
  thread_tid.store(p.engine.os.tid(), std::memory_order_release);
  p.engine.placement.measure_flush(p.engine);
  choose_meter(p);
  watch.open(p.engine);
  settle_huge_pages(p);
  begin_recording(p);
  unseen.begin(p.engine);
  p.engine.reclaimer_ready.store(true, std::memory_order_release);
  p.engine.record().promised_pages.store(0, std::memory_order_relaxed);
  while (!stop_wanted.load(std::memory_order_acquire)) {
    p.engine.placement.follow(p.engine);
    const std::uint32_t seen = p.engine.record().wake.load(std::memory_order_acquire);
    serve_requests(p);
    const bool direct_only = p.engine.container().background.load(std::memory_order_relaxed) == 0;
    const LookResult result = look(p.engine, watch, direct_only);
    mind_thrash(p.engine);
    adjust_meter(p, result.standing);
    if (first_thread_ended.load(std::memory_order_acquire)) {
      leave_if_last(p);
    }
    const std::int64_t ahead = p.engine.proactive.turn(p.engine, result.worked || result.deferred);
    std::int64_t sleep = sooner(sleep_after(p, result, seen), unseen.mind(p.engine, result));
    sleep = sooner(sleep, ahead);
    sleep = sooner(sleep, p.engine.free_keeper.turn(p.engine, !result.standing.marks.limit.unlimited()));
    take_recording_turn(p, result, sleep);
    sleep_for(p, seen, sleep);
  }
  p.engine.recorder.end();
  p.engine.free_keeper.stop(p.engine);
  p.engine.reclaimer_ready.store(false, std::memory_order_release);
  p.engine.reclaimer_runs.store(false, std::memory_order_release);
  close_meter(p);
  watch.close(p.engine);
  thread_tid.store(0, std::memory_order_release);
  p.engine.record().reclaimer_tid.store(0, std::memory_order_release);
  return nullptr;
}

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
  wanted.run = run;
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

}  // namespace

// Under the claim.
void start_claimed(Process& p) {
  stop_wanted.store(false, std::memory_order_relaxed);
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
  stop_wanted.store(true, std::memory_order_release);
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

// No thread is wanted, or to be had: the CPU-time timer then interrupts the calling thread itself,
// a coarse net (a scheduler tick of its CPU time) for memory that grows without an allocation.
void start_threadless_meter() {
  Process& p = process();
  static constinit std::atomic<std::uint32_t> started_in{0};
  const std::uint32_t pid = p.pid.load(std::memory_order_relaxed);
  if (started_in.exchange(pid, std::memory_order_relaxed) != pid && install_meter_signal()) {
    watch.open(p.engine);
    watch.set_timer(kThreadlessTick);
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
  watch.set_timer(std::clamp(distance / kCopiedPerNs / 2, kThreadlessTick, kMostTimedTick));
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
    watch.open(p.engine);
    plan_timed_look(p.engine.account.standing(Pages::none()));
  }
}

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
  if (stop_wanted.load(std::memory_order_acquire) || watch.program_ran()) {
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
  const bool runs = p.engine.reclaimer_runs.load(std::memory_order_acquire);
  if (runs && read_process_stat(p.engine.os, p.pid.load(std::memory_order_relaxed), stat) == 0 && stat.threads <= 2) {
    stop_reclaimer_thread();
  }
}

void forget_reclaimer_change() {
  being_changed.store(0, std::memory_order_relaxed);
}

// A poke and no futex: what it sleeps on may have been moved away under it.
void abandon_reclaimer_thread() {
  stop_wanted.store(true, std::memory_order_release);
  const int tid = thread_tid.load(std::memory_order_acquire);
  if (tid != 0) {
    static_cast<void>(process().engine.os.queue_signal(tid, SIGTRAP, GrowthWatch::cookie()));
  }
}

void watch_for_last_thread() {
  first_thread_ended.store(true, std::memory_order_release);
  Process& p = process();
  if (p.stage.load(std::memory_order_acquire) == Stage::kAttached) {
    wake_reclaimer(p.engine);
  }
}

}  // namespace weir
