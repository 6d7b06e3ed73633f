// reclaimer_loop.cc - requests, looks, and how long to sleep after them.
#include "preload/reclaimer_loop.h"

#include <sys/syscall.h>

#include <algorithm>

#include "core/raw_syscall.h"
#include "core/text.h"
#include "preload/callbacks.h"
#include "preload/dump.h"
#include "preload/log.h"
#include "preload/meter_choice.h"
#include "preload/own_thread.h"
#include "preload/process.h"
#include "preload/recording.h"
#include "preload/settle.h"
#include "reclaim/background.h"
#include "reclaim/kill_warning.h"
#include "reclaim/left_behind.h"
#include "reclaim/load_gain.h"
#include "reclaim/shrink.h"
#include "reclaim/thrash.h"
#include "reclaim/unseen_growth.h"

namespace weir {
namespace {

constexpr std::int64_t kLastThreadPoll = 50'000'000;

constinit ReclaimerLoop loop;
constinit UnseenGrowth unseen;

void serve_requests(Process& p) {
  Word& request = p.engine.record().request;
  const std::uint32_t asked = request.load(std::memory_order_acquire);
  const std::uint32_t here = asked_here(p.engine);
  if (asked == kRequestRefresh || (here & kRequestRefresh) != 0) {
    if (p.engine.groups.any()) {
      static_cast<void>(p.engine.groups.scan(p.engine.os, p.engine.pagemap));
    }
    refresh_members(p.engine.os, p.engine.view, Subtree::below(p.engine.view, p.engine.account.container()));
  }
  if ((here & kRequestDump) != 0) {
    write_dump(Look::kProc);
  }
  if (here != 0) {
    answer_here(p.engine, here);
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
  std::int64_t sleep = sooner(rest_after(result, seen), loop.watch.plan(p.engine, result.standing));
  sleep = sooner(sleep, mind_grace(p.engine));
  return loop.first_thread_ended.load(std::memory_order_acquire) ? sooner(sleep, kLastThreadPoll) : sleep;
}

void log_look(Process& p, const LookResult& result) {
  if (result.worked && is_logged(LogLevel::kDebug)) {
    TextBuffer<192> line;
    line.add("usage ").add_number(result.standing.usage.bytes()).add(", high ");
    line.add_number(result.standing.marks.high.bytes()).add(", paged out so far ");
    line.add_number(Pages{p.engine.evicted.load(std::memory_order_relaxed)}.bytes());
    log_line(LogLevel::kDebug, line.view());
  }
}

void sleep_for(Process& p, std::uint32_t seen, std::int64_t ns) {
  if (ns == 0) {
    return;
  }
  Engine& engine = p.engine;
  engine.reclaimer_sleeps.store(true, std::memory_order_seq_cst);
  // Not for who was served, and waits for a core only: this may be the one it waits for.
  if (!engine.unserved.load(std::memory_order_seq_cst)) {
    loop.watch.sleep(engine, engine.record().wake, seen, ns);
  }
  engine.reclaimer_sleeps.store(false, std::memory_order_release);
  count(engine.record().wakeups);
}

}  // namespace

ReclaimerLoop& reclaimer_loop() {
  return loop;
}

void* run_reclaimer(void*) {
  const WeirScope scope;
  Process& p = process();
  settle(p);
  loop.tid.store(p.engine.os.tid(), std::memory_order_release);
  p.engine.placement.measure_flush(p.engine);
  choose_meter(p);
  loop.watch.open(p.engine);
  settle_huge_pages(p);
  begin_recording(p);
  unseen.begin(p.engine);
  p.engine.reclaimer_ready.store(true, std::memory_order_release);
  p.engine.record().promised_pages.store(0, std::memory_order_relaxed);
  while (!loop.stop_wanted.load(std::memory_order_acquire)) {
    p.engine.placement.follow(p.engine);
    const std::uint32_t seen = p.engine.record().wake.load(std::memory_order_acquire);
    serve_requests(p);
    const bool direct_only = p.engine.container().background.load(std::memory_order_relaxed) == 0;
    const LookResult result = look(p.engine, loop.watch, direct_only);
    log_look(p, result);
    mind_thrash(p.engine);
    mind_gain(p.engine);
    adjust_meter(p, result.standing);
    if (loop.first_thread_ended.load(std::memory_order_acquire)) {
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
  loop.watch.close(p.engine);
  loop.tid.store(0, std::memory_order_release);
  p.engine.record().reclaimer_tid.store(0, std::memory_order_release);
  end_own_thread();
  return nullptr;
}

}  // namespace weir
