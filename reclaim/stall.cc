// stall.cc - rounds of reclaim, and what follows when they bring nothing.
#include "reclaim/stall.h"

#include <algorithm>

#include "core/stats.h"
#include "reclaim/enomem.h"
#include "reclaim/hopeless.h"
#include "reclaim/kill_warning.h"
#include "reclaim/look_around.h"
#include "reclaim/oom.h"
#include "reclaim/other_members.h"

namespace weir {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kDelegateWait = 20 * kMillisecond;
constexpr std::int64_t kIdlePause = 5 * kMillisecond;
constexpr int kMostBusyRounds = 8;
constexpr int kMostRoundsBeforeRefusal = 32;
// For so long what was found out about memory that cannot leave is not tried again.
constexpr std::uint64_t kHopelessNs = 100'000'000;
constexpr std::uint64_t kHelpPatienceNs = 2'000'000'000;

// Every member anew, by ourselves or by the reclaimer.
void refresh_all(Engine& engine, ContainerId id) {
  constexpr std::int64_t kAnswerWait = 100 * kMillisecond;
  if (engine.may_open_here()) {
    refresh_members(engine.os, engine.view, Subtree::below(engine.view, id));
    return;
  }
  ask_reclaimer(engine, kRequestRefresh, kAnswerWait);
}

// One round at the limit: our own share, by ourselves or by the reclaimer. `tried`: somebody has looked
// for what can leave, which a reclaimer that waits for a core has not. Pages that left.
Pages reclaim_round(Engine& engine, const Standing& standing, bool patient, GroupNumber group, bool& tried) {
  const Pages over = standing.usage - standing.marks.limit;
  tried = engine.may_open_here();
  if (tried) {
    return evict_here(engine, standing.container, std::max(over, kDirectBatch), patient, group);
  }
  const std::uint64_t before = engine.evicted.load(std::memory_order_acquire);
  const std::uint64_t looks = engine.looks.load(std::memory_order_acquire);
  wait_for_room(engine, engine.room.load(std::memory_order_acquire), kDelegateWait);
  tried = engine.looks.load(std::memory_order_acquire) != looks;
  return Pages{engine.evicted.load(std::memory_order_acquire) - before};
}

// A sample interrupts a thread anywhere, with a lock of the allocator in hand, too. It is not known which do:
// whoever waits while the reclaimer is stuck in there goes on, to the next sample.
bool may_block_reclaimer(const Engine& engine) {
  constexpr std::uint64_t kLongNs = 20'000'000;
  const std::uint64_t since = engine.in_allocator_ns.load(std::memory_order_acquire);
  return since != 0 && engine.os.now_ns() >= since + kLongNs;
}

// While members that were warned have their grace: the reserve serves, and who needs more than
// that waits, unless it may be what the reclaimer waits for. True: go on with what there is.
bool served_by_grace(Engine& engine, const ChargeRequest& request, Standing& standing) {
  while (over_limit(standing) && in_grace(engine, standing.container)) {
    if (fits_reserve(standing) || !request.may_wait) {
      return true;
    }
    if (engine.may_open_here()) {
      refresh_others(engine, standing.container);
    }
    wait_for_room(engine, engine.room.load(std::memory_order_acquire), kIdlePause);
    if (may_block_reclaimer(engine) || (!request.may_refuse && engine.is_called_away())) {
      return true;
    }
    refresh_here(engine, request);
    standing = standing_now(engine, request);
  }
  return false;
}

// What a round at the limit brought.
struct Round {
  int helpers = 0;        // members that were asked
  bool hopeless = false;  // what cannot leave is already more than the limit
  bool progress = false;
  bool tried = false;   // it was more than waiting
  bool blocks = false;  // the reclaimer may be waiting for a lock of the allocator that this thread holds
};

Round reclaim_with_help(Engine& engine, const ChargeRequest& request, Standing& standing, bool patient) {
  if (!engine.may_open_here()) {
    await_reclaimer(engine);
  }
  if (engine.may_open_here()) {
    refresh_others(engine, standing.container);  // else the reclaimer does, whenever it looks
  }
  Round round;
  round.helpers = call_for_help(engine, standing.container, needed_at_once(engine, standing, request));
  const Pages got = reclaim_round(engine, standing, patient, request.group, round.tried);
  round.blocks = may_block_reclaimer(engine);
  refresh_here(engine, request);
  const Standing next = standing_now(engine, request);
  // Paging the rest out would only thrash where too much cannot leave.
  round.hopeless = is_hopeless(engine, standing.container, standing.marks.limit);
  round.progress = !round.hopeless && (got > Pages::none() || next.usage < standing.usage);
  standing = next;
  return round;
}

// Others hold the memory and were asked: on a loaded machine they need their time. And what is
// shared since a fork is the parent's alone again once the child has called exec.
bool help_may_come(const Engine& engine, const Round& round, std::uint64_t since, std::uint64_t now) {
  const bool is_shared =
      engine.shares_inherited() || now - engine.forked_ns.load(std::memory_order_relaxed) < kHelpPatienceNs;
  return (round.helpers > 0 || is_shared) && now - since < kHelpPatienceNs;
}

// A fork child shares more than what is too much. Each page that it writes to becomes its own and can leave, so going
// on brings the room that waiting here never would.
bool writing_on_helps(const Engine& engine, const Standing& standing) {
  return Pages{engine.record().shared_pages.load(std::memory_order_relaxed)} > standing.usage - standing.marks.limit;
}

// Nothing leaves, but what the allocator has free may: the reclaimer purges, before anybody is refused
// or killed. Bounded, for it may wait for a lock of the allocator that this thread holds.
bool purge_may_help(Engine& engine, std::uint64_t since, std::uint64_t now) {
  constexpr std::uint64_t kPatienceNs = 100'000'000;
  if (!engine.reclaimer_ready.load(std::memory_order_acquire) || now - since >= kPatienceNs ||
      engine.purged_ns.load(std::memory_order_acquire) >= since) {
    return false;
  }
  engine.purge_wanted.store(true, std::memory_order_release);
  return true;
}

bool pauses(const Engine& engine, ContainerId id) {
  const Word& policy = engine.view.container(id).oom_policy;
  return policy.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(OomPolicy::kPause);
}

// What the books say of others may be old: the dead and the shrunk are looked at once more.
void kill_unless_room(Engine& engine, const ChargeRequest& request, Standing& standing, std::uint64_t since) {
  refresh_all(engine, standing.container);
  standing = standing_in_books(engine, request);
  if (over_limit(standing)) {
    const bool waits = pauses(engine, standing.container);
    const std::uint64_t now = engine.os.now_ns();
    out_of_memory(engine, standing, waits ? engine.oom_pauses.go_on(standing.container, now, since) : since);
  }
}

// Each thread that goes on takes some more: with many of them, more than leaves meanwhile.
bool is_far_above(const Engine& engine, const Standing& standing) {
  constexpr std::uint64_t kPerThread = 64;  // pages: two samples
  const std::uint64_t others = engine.waiters.load(std::memory_order_acquire);
  return others > 0 && standing.usage - standing.marks.limit > Pages{(others + 1) * kPerThread};
}

// What follows a round that left usage above the limit.
enum class Step { kAgain, kWait, kGoOn, kAnswer, kKill };

struct Tries {
  std::uint64_t since = 0;
  int idle = 0;
  int busy = 0;
  Pages least = Pages::all();  // that usage has been at after a round
};

// In a pause nobody goes on before there is room, and the same few pages that leave and come back do not bring it:
// usage must have been higher all along.
bool brings_room(const Standing& standing, const Round& round, bool in_pause, Tries& tries) {
  const bool fell = standing.usage + least_to_live(standing.marks.limit) <= tries.least;
  tries.least = std::min(tries.least, standing.usage);
  return round.progress && (!in_pause || fell);
}

Step next_step(Engine& engine, const ChargeRequest& request, const Standing& standing, const Round& round,
               Tries& tries) {
  const std::uint64_t now = engine.os.now_ns();
  const bool in_pause = pauses(engine, standing.container) && engine.oom_pauses.lasts(standing.container, now);
  if (brings_room(standing, round, in_pause, tries)) {
    // Pages leave, yet the limit is not reached: others take the room, or hold what cannot leave.
    // Going on beats thrashing here for ever; the next sample evicts again. What does not fit is refused.
    const bool refusable = refuses(engine, standing, request);
    tries.idle = 0;
    if (in_pause || ++tries.busy < (refusable ? kMostRoundsBeforeRefusal : kMostBusyRounds)) {
      return Step::kAgain;
    }
    if (!refusable) {
      const bool wait = is_far_above(engine, standing) && !round.blocks && now - tries.since < kHelpPatienceNs;
      return wait ? Step::kAgain : Step::kGoOn;
    }
    return purge_may_help(engine, tries.since, now) ? Step::kWait : Step::kAnswer;
  }
  // Under "enomem" nobody dies of an early answer: one patient round and one that is not.
  const bool answer = has_answer(engine, standing, request);
  if (!answer && (round.blocks || writing_on_helps(engine, standing))) {
    return Step::kGoOn;
  }
  const bool is_proof = answer || round.tried || round.hopeless || now - tries.since >= kHelpPatienceNs;
  tries.idle += round.hopeless && answer ? kIdleRoundsBeforeOom / 2 : (is_proof ? 1 : 0);
  if (tries.idle < kIdleRoundsBeforeOom) {
    return Step::kWait;
  }
  if (purge_may_help(engine, tries.since, now) || (!answer && help_may_come(engine, round, tries.since, now))) {
    if (!answer && pauses(engine, standing.container)) {
      engine.oom_pauses.go_on(standing.container, now, tries.since);
    }
    return Step::kWait;
  }
  return answer ? Step::kAnswer : Step::kKill;
}

// Rounds until there is room, or the policy has an answer. `standing` is where the last one left us.
Verdict make_room(Engine& engine, const ChargeRequest& request, Standing& standing, Tries tries, StallTime& time) {
  while (over_limit(standing)) {
    time.tick();
    // Its handler runs, and the next sample tries again. Who is refused or not has its answer first.
    if (!request.may_refuse && engine.is_called_away()) {
      break;
    }
    if (served_by_grace(engine, request, standing) || !over_limit(standing)) {
      break;
    }
    if (!engine.may_open_here() && !engine.reclaimer_runs.load(std::memory_order_acquire)) {
      break;  // the reclaimer is about to be started, at the next safe point
    }
    const Round round = reclaim_with_help(engine, request, standing, tries.idle < kIdleRoundsBeforeOom / 2);
    if (!over_limit(standing)) {
      break;
    }
    switch (next_step(engine, request, standing, round, tries)) {
      case Step::kAgain:
        break;
      case Step::kWait:
        wait_for_room(engine, engine.room.load(std::memory_order_acquire), kIdlePause);
        break;
      case Step::kGoOn:
        return Verdict::kRoom;
      case Step::kAnswer:
        engine.hopeless_until_ns.store(round.hopeless ? engine.os.now_ns() + kHopelessNs : 0,
                                       std::memory_order_relaxed);
        return give_answer(engine, standing, request);
      case Step::kKill:
        kill_unless_room(engine, request, standing, tries.since);
        tries.idle = 0;
        break;
    }
  }
  return Verdict::kRoom;
}

}  // namespace

Verdict stall(Engine& engine, const ChargeRequest& request, Standing standing, StallTime& time) {
  const Tries tries{engine.os.now_ns()};
  const bool known_hopeless = tries.since < engine.hopeless_until_ns.load(std::memory_order_relaxed);
  if (known_hopeless && !request.may_refuse && within_reserve(engine, standing)) {
    return Verdict::kRoom;
  }
  const bool whole = needed_at_once(engine, standing, request) > Pages::none();
  if (whole && request.expected > standing.marks.limit) {
    return refuse(engine, standing, request);  // whatever is paged out for it
  }
  const ContainerId met = standing.container;
  const Pages limit = standing.marks.limit;
  const Verdict verdict = make_room(engine, request, standing, tries, time);
  if (!over_limit(standing) && !is_hopeless(engine, met, limit)) {
    engine.oom_pauses.end(met);
  }
  if (whole) {  // nobody need make room for it any more: what it touches will be charged
    engine.view.container(standing.container).help_pages.store(0, std::memory_order_relaxed);
  }
  return verdict;
}

}  // namespace weir
