// look_around.cc - readings by the growing thread, and a batch evicted by it.
#include "reclaim/look_around.h"

#include <algorithm>
#include <cerrno>

#include "core/fork_share.h"

namespace weir {
namespace {

constexpr std::int64_t kLockWait = 20'000'000;

// What its groups hold, counted by this thread.
void scan_groups_here(Engine& engine) {
  const ReclaimGuard guard(engine.os, engine.direct_lock, kLockWait);
  Pagemap pagemap(engine.direct_buffer);
  if (guard.held() && pagemap.open(engine.os) == 0) {
    static_cast<void>(engine.groups.scan(engine.os, pagemap));
    pagemap.close(engine.os);
  }
}

// Of a fork child: what it shares no longer.
void recount_shared_here(Engine& engine) {
  if (!engine.account.recount_is_due(engine.os)) {
    return;
  }
  const ReclaimGuard guard(engine.os, engine.direct_lock, kLockWait);
  Pagemap pagemap(engine.direct_buffer);
  if (guard.held() && pagemap.open(engine.os) == 0) {
    engine.account.recount_shared(engine.os, pagemap);
    pagemap.close(engine.os);
  }
}

}  // namespace

bool over_limit(const Standing& standing) {
  return standing.usage > standing.marks.limit;
}

void wait_for_room(Engine& engine, std::uint32_t seen, std::int64_t timeout_ns) {
  engine.waiters.fetch_add(1, std::memory_order_relaxed);
  engine.unserved.store(true, std::memory_order_seq_cst);
  wake_reclaimer(engine);
  constexpr std::int64_t kStepNs = 10'000'000;  // its signals are blocked: it looks for them
  // Who is called away waits a little all the same: with a timer as fast as samples come there would be no limit.
  constexpr std::int64_t kLeastNs = 2'000'000;
  const std::int64_t step =
      engine.is_called_away() ? kLeastNs : (engine.signal_waits != nullptr ? kStepNs : timeout_ns);
  std::int64_t left = timeout_ns;
  do {
    if (engine.os.futex_wait(engine.room, seen, std::min(left, step)).error() != ETIMEDOUT) {
      break;
    }
    left -= step;
  } while (left > 0 && !engine.is_called_away());
  engine.waiters.fetch_sub(1, std::memory_order_acq_rel);
}

Pages evict_here(Engine& engine, ContainerId id, Pages wanted, bool patient, GroupNumber group) {
  const ContainerId own = group == kNoGroup ? engine.account.container() : engine.groups.container(group);
  wanted = std::min(wanted, spare_of(engine.view, own, id));
  if (wanted == Pages::none()) {
    return wanted;
  }
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
  const EvictOutcome outcome = evict_batch(engine, pagemap, {wanted, patient, group});
  pagemap.close(engine.os);
  return outcome.done;
}

void refresh_here(Engine& engine, const ChargeRequest& request) {
  if (!engine.may_open_here()) {
    return;
  }
  if (request.group != kNoGroup) {
    scan_groups_here(engine);
  }
  recount_shared_here(engine);
  engine.account.refresh(engine.os, nullptr);
}

void note_fork_of_child(Engine& engine) {
  constexpr Pages kWorthwhile{256};
  if (!engine.shares_inherited()) {
    return;
  }
  if (engine.account.faults_since_reading(engine.os) >= kWorthwhile && engine.may_open_here()) {
    recount_shared_here(engine);
    engine.account.refresh(engine.os, nullptr);
  }
  // Where only the reclaimer may look: no less than what may have come since it last did.
  const Pages most = engine.account.last_reading() + engine.account.faults_since_reading(engine.os);
  note_fork(engine.record(), most - Pages{engine.record().shared_pages.load(std::memory_order_relaxed)});
}

bool meets_enomem(const Engine& engine, const Standing& standing) {
  return is_enomem(engine.view.container(standing.container));
}

namespace {

// What may have been touched since the last reading are faults, which cost a fifth of opening statm.
Standing standing_with(const Engine& engine, const ChargeRequest& request, Pages expected) {
  if (request.group != kNoGroup) {
    return engine.groups.standing(request.group, expected);
  }
  return engine.account.standing(expected + engine.account.faults_since_reading(engine.os));
}

// Of one more look: `look` gives the standing with so many pages expected. All of an allocation
// counts where it can be refused. Where the limit that it meets has another policy, what is not
// touched yet must not be reclaimed for, let alone killed for.
template <typename Look>
Standing standing_by(const Engine& engine, const ChargeRequest& request, Look look) {
  const Standing whole = look(request.expected);
  const bool is_part = request.may_refuse && request.expected > kMostExpected && !meets_enomem(engine, whole);
  return is_part ? look(kMostExpected) : whole;
}

}  // namespace

Standing standing_now(const Engine& engine, const ChargeRequest& request) {
  return standing_by(engine, request, [&](Pages expected) { return standing_with(engine, request, expected); });
}

Standing standing_in_books(const Engine& engine, const ChargeRequest& request) {
  return request.group != kNoGroup
             ? standing_now(engine, request)
             : standing_by(engine, request, [&](Pages expected) { return engine.account.standing(expected); });
}

Standing look_around(Engine& engine, const ChargeRequest& request) {
  if (!engine.reclaimer_ready.load(std::memory_order_acquire)) {
    refresh_here(engine, request);
  }
  Standing standing = standing_now(engine, request);
  if (over_limit(standing) && engine.may_open_here()) {
    refresh_here(engine, request);
    standing = standing_now(engine, request);
  }
  return standing;
}

}  // namespace weir
