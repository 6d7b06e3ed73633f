// charge.cc - the path of a thread that grows.
#include "reclaim/charge.h"

#include <algorithm>

#include "core/events.h"
#include "reclaim/enomem.h"
#include "reclaim/hold.h"
#include "reclaim/in_place.h"
#include "reclaim/kill_warning.h"
#include "reclaim/load_gain.h"
#include "reclaim/look_around.h"
#include "reclaim/other_members.h"
#include "reclaim/stall.h"
#include "reclaim/stall_time.h"
#include "reclaim/thrash.h"

namespace weir {
namespace {

// Above high, where it is dearer to let the reclaimer do it. True: there is nothing more to mind.
bool mind_in_place(Engine& engine, const ChargeRequest& request, Standing& standing) {
  StallTime stood(engine, standing.high_container);
  const std::uint64_t before = engine.evicted.load(std::memory_order_relaxed);
  const bool left = reclaim_in_place(engine);
  ContainerCounters& counters = engine.view.container(standing.high_container).counters;
  count(counters.in_place, engine.evicted.load(std::memory_order_relaxed) != before ? 1 : 0);
  count(counters.in_place_ns, stood.end());
  standing = standing_now(engine, request);
  return left && !hold_for(engine, standing).wanted;
}

// Above high: wake the reclaimer. Where growth outruns it, hold the thread.
void mind_the_watermark(Engine& engine, const ChargeRequest& request, Standing standing) {
  const std::uint32_t seen = engine.room.load(std::memory_order_acquire);
  if (request.group == kNoGroup && evicts_in_place(engine) && mind_in_place(engine, request, standing)) {
    return;
  }
  if (hold_for(engine, standing).wanted && engine.may_open_here()) {
    refresh_here(engine, request);
    standing = standing_now(engine, request);
  }
  const Hold hold = hold_for(engine, standing);
  wake_reclaimer(engine);
  if (!hold.wanted) {
    return;
  }
  StallTime stood(engine, standing.high_container);
  if (!wait_held(engine, request, hold, seen, standing)) {
    return;
  }
  ContainerCounters& counters =
      request.group == kNoGroup ? engine.counters() : engine.view.container(standing.high_container).counters;
  count(counters.throttle);
  count(counters.throttle_ns, stood.end());
}

// Load control: this process may have to wait its turn. From low on, and where it is strict always, so
// that who comes last is held while it is small.
Standing step_back(Engine& engine, const ChargeRequest& request, const Standing& standing) {
  StallTime stood(engine, standing.high_container);
  if (engine.load_control.step_back(engine, standing.high_container) == 0) {
    return standing;
  }
  stood.end();
  return look_around(engine, request);
}

bool has_background(const Engine& engine, GroupNumber group) {
  const ContainerRecord& record =
      group == kNoGroup ? engine.container() : engine.view.container(engine.groups.container(group));
  return record.background.load(std::memory_order_relaxed) != 0;
}

// Later ones are counted only: a container at work meets its limit often.
void count_limit_met(Engine& engine, const Standing& standing) {
  ContainerCounters& counters = engine.view.container(standing.container).counters;
  count(counters.failcnt);
  if (counters.events_limit.fetch_add(1, std::memory_order_relaxed) == 0) {
    post_event(engine.os, engine.view,
               {EventKind::kLimitMet,
                standing.container,
                engine.account.pid(),
                {standing.usage.bytes(), standing.marks.limit.bytes()},
                "the limit was met for the first time"});
  }
}

// Against the marks of the process' containers, or of its group's below them.
Verdict charge_level(Engine& engine, const ChargeRequest& request) {
  Standing standing = look_around(engine, request);
  if (request.group == kNoGroup && watch_the_silent(engine, standing, engine.may_open_here())) {
    standing = standing_now(engine, request);
  }
  if (Verdict known{}; answered_again(engine, request, standing, known)) {
    return known;
  }
  // Who warned of a kill frees memory under the allocator's locks: nobody is held with them then.
  const bool may_hold = request.may_wait || !in_grace(engine, standing.container);
  if (request.group == kNoGroup && may_hold &&
      (standing.above_low > Pages::none() || engine.load_control.is_strict(engine, standing.high_container))) {
    standing = step_back(engine, request, standing);
  }
  const Pages above = is_held_from_low(engine, request) ? standing.above_low : standing.above_high;
  if (may_hold && above > Pages::none() && has_background(engine, request.group)) {
    mind_the_watermark(engine, request, standing);
    standing = look_around(engine, request);
  }
  if (!over_limit(standing)) {
    note_room_after_grace(engine, standing.container);
    return Verdict::kRoom;
  }
  count_limit_met(engine, standing);
  ContainerCounters& counters = engine.view.container(standing.container).counters;
  count(counters.allocstall);
  StallTime stood(engine, standing.container);
  const Verdict verdict = stall(engine, request, standing, stood);
  count(counters.allocstall_ns, stood.end());
  if (!engine.reclaimer_runs.load(std::memory_order_relaxed)) {
    mind_thrash(engine);  // else the reclaimer does
    if (engine.may_open_here()) {
      mind_gain(engine);
    }
  }
  return verdict;
}

}  // namespace

Verdict charge(Engine& engine, const ChargeRequest& request) {
  if (engine.groups.has(request.group) && charge_level(engine, request) == Verdict::kRefused) {
    return Verdict::kRefused;
  }
  ChargeRequest of_process = request;
  of_process.group = kNoGroup;
  return charge_level(engine, of_process);
}

void charge_piece(Engine& engine, Pages pages, GroupNumber group, bool may_wait) {
  constexpr std::uint64_t kMoreMayFollowNs = 50'000'000;
  engine.headroom.store(pages.count, std::memory_order_relaxed);
  engine.headroom_until_ns.store(engine.os.now_ns() + kMoreMayFollowNs, std::memory_order_relaxed);
  charge(engine, {pages, false, group, may_wait});
  engine.account.expect(engine.os, pages);
  if (standing_now(engine, {pages, false}).above_high > Pages::none()) {
    wake_reclaimer(engine);
  }
}

}  // namespace weir
