// charge.cc - the path of a thread that grows.
#include "reclaim/charge.h"

#include <algorithm>

#include "core/events.h"
#include "core/pressure.h"
#include "core/stats.h"
#include "reclaim/oom.h"

namespace weir {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kLockWait = 20 * kMillisecond;
constexpr std::int64_t kDelegateWait = 20 * kMillisecond;
constexpr std::int64_t kThrottleWait = 2 * kMillisecond;
constexpr Pages kHelpBatch{64};
constexpr std::int64_t kHoldWait = 20 * kMillisecond;
constexpr std::int64_t kIdlePause = 5 * kMillisecond;
constexpr int kMostBusyRounds = 8;
// For so long what was found out about memory that cannot leave is not tried again.
constexpr std::uint64_t kHopelessNs = 100'000'000;
constexpr std::uint64_t kHelpPatienceNs = 2'000'000'000;

bool over_limit(const Standing& standing) {
  return standing.usage > standing.marks.limit;
}

// This thread stood still since `start_ns`, for the sake of `id`. All of the work did, where the
// container is this one process and the process this one thread.
void note_pressure(Engine& engine, ContainerId id, std::uint64_t start_ns) {
  const std::uint64_t now = engine.os.now_ns();
  ContainerRecord& record = engine.view.container(id);
  note_stall(record.some, start_ns, now);
  if (!engine.many_threads.load(std::memory_order_relaxed) && members_of(engine.view, id) == 1) {
    note_stall(record.full, start_ns, now);
  }
}

// Wakes the reclaimer, and sleeps until memory was given back or the time is up.
void wait_for_room(Engine& engine, std::uint32_t seen, std::int64_t timeout_ns) {
  engine.waiters.fetch_add(1, std::memory_order_seq_cst);
  wake_reclaimer(engine);
  static_cast<void>(engine.os.futex_wait(engine.room, seen, timeout_ns));
  engine.waiters.fetch_sub(1, std::memory_order_acq_rel);
}

// Brings our own charge up to date in whatever way this thread may.
void refresh_here(Engine& engine) {
  if (engine.may_open_here()) {
    engine.account.refresh(engine.os, nullptr);
  }
}

// Where we stand with what is about to be touched, and with what may have been since the last
// reading: faults, which cost a fifth of opening statm.
Standing standing_now(const Engine& engine, const ChargeRequest& request) {
  return engine.account.standing(request.expected + engine.account.faults_since_reading(engine.os));
}

// The same, read anew by ourselves when nobody else does, or when the bound meets the limit.
Standing look_around(Engine& engine, const ChargeRequest& request) {
  if (!engine.reclaimer_ready.load(std::memory_order_acquire)) {
    refresh_here(engine);
  }
  Standing standing = standing_now(engine, request);
  if (over_limit(standing) && engine.may_open_here()) {
    refresh_here(engine);
    standing = standing_now(engine, request);
  }
  return standing;
}

// Every member anew, by ourselves or by the reclaimer.
void refresh_all(Engine& engine, ContainerId id) {
  constexpr std::int64_t kAnswerWait = 100 * kMillisecond;
  if (engine.may_open_here()) {
    refresh_members(engine.os, engine.view, Subtree::below(engine.view, id));
    return;
  }
  Word& request = engine.record().request;
  request.store(kRequestRefresh, std::memory_order_release);
  engine.record().wake.fetch_add(1, std::memory_order_release);
  static_cast<void>(engine.os.futex_wake(engine.record().wake, 1));
  static_cast<void>(engine.os.futex_wait(request, kRequestRefresh, kAnswerWait));
}

// Evicts up to `wanted` pages of ours in this thread, which may open descriptors.
Pages evict_here(Engine& engine, Pages wanted, bool patient) {
  const std::uint64_t before = engine.evicted.load(std::memory_order_acquire);
  const ReclaimGuard guard(engine.os, engine.direct_lock, kLockWait);
  if (!guard.held()) {
    return Pages{engine.evicted.load(std::memory_order_acquire) - before};
  }
  Pagemap pagemap(engine.direct_buffer);
  if (pagemap.open(engine.os) != 0) {
    return Pages::none();
  }
  engine.account.recount_shared(engine.os, pagemap);
  const EvictOutcome outcome = evict_batch(engine, pagemap, wanted, patient);
  pagemap.close(engine.os);
  return outcome.done;
}

// One round at the limit: our own share, by ourselves or by the reclaimer. Pages that left.
Pages reclaim_round(Engine& engine, const Standing& standing, bool patient) {
  const Pages over = standing.usage - standing.marks.limit;
  if (engine.may_open_here()) {
    return evict_here(engine, std::max(over, kDirectBatch), patient);
  }
  const std::uint64_t before = engine.evicted.load(std::memory_order_acquire);
  wait_for_room(engine, engine.room.load(std::memory_order_acquire), kDelegateWait);
  return Pages{engine.evicted.load(std::memory_order_acquire) - before};
}

// What the policy "enomem" keeps back so that handlers and unwinding still get memory.
Pages reserve_of(Pages limit) {
  return std::max(Pages::holding(kMiB), Pages{limit.count / 32});
}

bool refuses(const Engine& engine, const Standing& standing, const ChargeRequest& request) {
  const auto policy =
      static_cast<OomPolicy>(engine.view.container(standing.container).oom_policy.load(std::memory_order_relaxed));
  return policy == OomPolicy::kEnomem && request.may_refuse;
}

// Under "enomem" faults that have happened may use the reserve.
bool within_reserve(const Engine& engine, const Standing& standing) {
  const auto policy =
      static_cast<OomPolicy>(engine.view.container(standing.container).oom_policy.load(std::memory_order_relaxed));
  return policy == OomPolicy::kEnomem && standing.usage <= standing.marks.limit + reserve_of(standing.marks.limit);
}

Verdict refuse(Engine& engine, const Standing& standing, const ChargeRequest& request) {
  ContainerCounters& counters = engine.view.container(standing.container).counters;
  count(counters.events_oom);
  if (counters.enomem.fetch_add(1, std::memory_order_relaxed) == 0) {
    post_event(engine.os, engine.view,
               {EventKind::kEnomem,
                standing.container,
                engine.account.pid(),
                {standing.usage.bytes(), request.expected.bytes()},
                "first allocation refused with ENOMEM"});
  }
  return Verdict::kRefused;
}

// Whether the policy can do without room, and without a kill: refuse, or serve from the reserve.
bool has_answer(const Engine& engine, const Standing& standing, const ChargeRequest& request) {
  return refuses(engine, standing, request) || within_reserve(engine, standing);
}

Verdict give_answer(Engine& engine, const Standing& standing, const ChargeRequest& request) {
  return refuses(engine, standing, request) ? refuse(engine, standing, request) : Verdict::kRoom;
}

// At the limit: rounds of reclaim until there is room, or nothing more can be had.
Verdict stall(Engine& engine, const ChargeRequest& request, Standing standing) {
  const std::uint64_t since = engine.os.now_ns();
  const bool known_hopeless = since < engine.hopeless_until_ns.load(std::memory_order_relaxed);
  if (known_hopeless && !request.may_refuse && within_reserve(engine, standing)) {
    return Verdict::kRoom;
  }
  int busy_rounds = 0;
  for (int idle_rounds = 0; over_limit(standing);) {
    if (!engine.may_open_here() && !engine.reclaimer_runs.load(std::memory_order_acquire)) {
      break;  // the reclaimer is about to be started, at the next safe point
    }
    if (!engine.may_open_here()) {
      await_reclaimer(engine);
    }
    if (engine.may_open_here()) {
      refresh_others(engine, standing.container);  // else the reclaimer does, whenever it looks
    }
    const int helpers = call_for_help(engine, standing.container);
    const Pages got = reclaim_round(engine, standing, idle_rounds < kIdleRoundsBeforeOom / 2);
    refresh_here(engine);
    const Standing next = standing_now(engine, request);
    // Where what cannot leave is already more than the limit, paging the rest out only thrashes.
    const Pages unevictable = unevictable_of(engine.view, Subtree::below(engine.view, standing.container));
    const bool hopeless = unevictable > standing.marks.limit;
    const bool progress = !hopeless && (got > Pages::none() || next.usage < standing.usage);
    standing = next;
    // Pages leave, yet the limit is not reached: others take the room, or hold what cannot leave.
    // Going on beats thrashing here for ever; the next sample evicts again.
    if (progress && ++busy_rounds >= kMostBusyRounds) {
      break;
    }
    if (progress) {
      idle_rounds = 0;
      continue;
    }
    // Others hold the memory and were asked: on a loaded machine they need their time.
    // And what is shared since a fork is the parent's alone again once the child has called exec.
    const std::uint64_t now = engine.os.now_ns();
    const bool is_shared = engine.record().shared_pages.load(std::memory_order_relaxed) > 0 ||
                           now - engine.forked_ns.load(std::memory_order_relaxed) < kHelpPatienceNs;
    const bool help_may_come = (helpers > 0 || is_shared) && now - since < kHelpPatienceNs;
    // Under "enomem" nobody dies of an early answer: one patient round and one that is not.
    const bool answer = has_answer(engine, standing, request);
    idle_rounds += hopeless && answer ? kIdleRoundsBeforeOom / 2 : 1;
    if (idle_rounds < kIdleRoundsBeforeOom || (help_may_come && !answer)) {
      wait_for_room(engine, engine.room.load(std::memory_order_acquire), kIdlePause);
      continue;
    }
    if (answer) {
      engine.hopeless_until_ns.store(hopeless ? now + kHopelessNs : 0, std::memory_order_relaxed);
      return give_answer(engine, standing, request);
    }
    // What the books say of others may be old: the dead and the shrunk are looked at once more.
    refresh_all(engine, standing.container);
    standing = engine.account.standing(request.expected);
    if (over_limit(standing)) {
      out_of_memory(engine, standing, since);
    }
    idle_rounds = 0;
  }
  return Verdict::kRoom;
}

// How far usage must come down before the thread goes on, and how long it waits for that at most.
struct Hold {
  bool wanted = false;
  bool to_low = false;
  std::int64_t most_ns = 0;
};

// Under the perf meter a thread is seen every few pages: a short wait near the limit will do.
// Under the fallback it runs unseen until the next poke, so it is given the whole way from low
// to the limit to run in, and waits until that is free again.
Hold hold_for(const Engine& engine, const Standing& standing) {
  if (standing.marks.limit.unlimited() || !engine.reclaimer_runs.load(std::memory_order_acquire)) {
    return {};
  }
  if (engine.record().meter.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(Meter::kFallback)) {
    return {true, true, kHoldWait};
  }
  const Pages gap = standing.marks.limit - standing.marks.high;
  return {standing.room.count < gap.count / 2, false, kThrottleWait};
}

// Until the reclaimer has made the room that the hold asks for, or the time is up.
void wait_held(Engine& engine, const Hold& hold, std::uint32_t seen) {
  const std::uint64_t start = engine.os.now_ns();
  std::int64_t left = hold.most_ns;
  do {
    wait_for_room(engine, seen, left);
    seen = engine.room.load(std::memory_order_acquire);
    left = hold.most_ns - static_cast<std::int64_t>(engine.os.now_ns() - start);
  } while (hold.to_low && left > 0 && engine.account.standing(Pages::none()).above_low > Pages::none());
}

// Above high: wake the reclaimer. Where growth outruns it, hold the thread: it helps if it may,
// so that its core is not idle meanwhile, else it sleeps.
void mind_the_watermark(Engine& engine, const ChargeRequest& request, Standing standing) {
  const std::uint32_t seen = engine.room.load(std::memory_order_acquire);
  if (hold_for(engine, standing).wanted && engine.may_open_here()) {
    refresh_here(engine);
    standing = standing_now(engine, request);
  }
  const Hold hold = hold_for(engine, standing);
  wake_reclaimer(engine);
  if (!hold.wanted) {
    return;
  }
  const std::uint64_t start = engine.os.now_ns();
  if (!hold.to_low && engine.may_open_here()) {
    evict_here(engine, kHelpBatch, true);
    refresh_here(engine);
  } else {
    wait_held(engine, hold, seen);
  }
  ContainerCounters& counters = engine.counters();
  count(counters.throttle);
  count(counters.throttle_ns, engine.os.now_ns() - start);
  note_pressure(engine, standing.high_container, start);
}

// Load control: this process may have to wait its turn. From low on, so that who comes last is held
// while it is small.
Standing step_back(Engine& engine, const ChargeRequest& request, const Standing& standing) {
  const std::uint64_t start = engine.os.now_ns();
  if (engine.load_control.step_back(engine, standing.high_container) == 0) {
    return standing;
  }
  note_pressure(engine, standing.high_container, start);
  return look_around(engine, request);
}

}  // namespace

Verdict charge(Engine& engine, const ChargeRequest& request) {
  Standing standing = look_around(engine, request);
  if (standing.above_low > Pages::none()) {
    standing = step_back(engine, request, standing);
  }
  if (standing.above_high > Pages::none() && engine.container().background.load(std::memory_order_relaxed) != 0) {
    mind_the_watermark(engine, request, standing);
    standing = look_around(engine, request);
  }
  if (!over_limit(standing)) {
    return Verdict::kRoom;
  }
  ContainerCounters& counters = engine.view.container(standing.container).counters;
  count(counters.failcnt);
  count(counters.events_limit);
  count(counters.allocstall);
  const std::uint64_t start = engine.os.now_ns();
  const Verdict verdict = stall(engine, request, standing);
  count(counters.allocstall_ns, engine.os.now_ns() - start);
  note_pressure(engine, standing.container, start);
  return verdict;
}

void charge_piece(Engine& engine, Pages pages) {
  constexpr std::uint64_t kMoreMayFollowNs = 50'000'000;
  engine.headroom.store(pages.count, std::memory_order_relaxed);
  engine.headroom_until_ns.store(engine.os.now_ns() + kMoreMayFollowNs, std::memory_order_relaxed);
  charge(engine, {pages, false});
  engine.account.expect(engine.os, pages);
  if (standing_now(engine, {pages, false}).above_high > Pages::none()) {
    wake_reclaimer(engine);
  }
}

}  // namespace weir
