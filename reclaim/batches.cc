// batches.cc - targets, shares, and what a batch did.
#include "reclaim/batches.h"

#include <algorithm>

#include "core/member_status.h"

#include "reclaim/load_control.h"

namespace weir {
namespace {

bool next_is_hot(Engine& engine) {
  constexpr std::int64_t kLockWaitNs = 5'000'000;
  const ReclaimGuard guard(engine.os, engine.shared.lock, kLockWaitNs);
  return guard.held() && engine.shared.ranking.next_is_hot();
}

// For who weighs what paging costs (load_control.h).
void note_page_out_cost(Engine& engine, Pages pages, std::uint64_t cpu_ns) {
  constexpr std::uint64_t kEnough = 64;  // pages: below, what surrounds them counts for more
  constexpr std::uint64_t kWeight = 16;
  if (pages.count < kEnough) {
    return;
  }
  Counter& smoothed = engine.container().load.page_out_ns;
  const std::uint64_t one = std::max<std::uint64_t>(cpu_ns / pages.count, 1);
  const std::uint64_t before = smoothed.load(std::memory_order_relaxed);
  smoothed.store(before == 0 ? one : (before * (kWeight - 1) + one) / kWeight, std::memory_order_relaxed);
}

Pages one_batch(Engine& engine, Pagemap& pagemap, const StatmFile* statm, Pages wanted) {
  engine.account.recount_shared(engine.os, pagemap);
  const Pages batch = std::min(wanted, kBackgroundBatch);
  engine.record().leaving_pages.store(batch.count, std::memory_order_relaxed);
  const std::uint64_t cpu = engine.os.thread_cpu_ns();
  const Pages done = evict_batch(engine, pagemap, {batch}).done;
  note_page_out_cost(engine, done, engine.os.thread_cpu_ns() - cpu);
  // Off the books before it is off this count: in between it would be missed by both.
  engine.account.refresh(engine.os, statm);
  engine.record().leaving_pages.store(0, std::memory_order_relaxed);
  return done;
}

}  // namespace

Pages target(Engine& engine, const Standing& standing, bool direct_only) {
  if (!direct_only) {
    const Pages least = standing.above_high + kBackgroundBatch;
    return next_is_hot(engine) ? std::min(standing.above_low, least) : standing.above_low;
  }
  return standing.usage + kBackgroundBatch - standing.marks.limit;
}

Pages share_of(Engine& engine, ContainerId id, Pages wanted) {
  return wanted - leaving_of(engine.view, Subtree::below(engine.view, id), engine.account.member());
}

Batch evict_our_part(Engine& engine, Pagemap& pagemap, const StatmFile* statm, ContainerId id, Pages wanted) {
  const Pages share = share_of(engine, id, wanted);
  if (share == Pages::none()) {
    return Batch::kOthersDo;
  }
  const Pages mine = std::min(share, spare_of(engine.view, engine.account.container(), id));
  const Pages done = mine == Pages::none() ? mine : one_batch(engine, pagemap, statm, mine);
  announce_room(engine);
  return done == Pages::none() ? Batch::kNothingLeft : Batch::kLeft;
}

bool purge_is_due(const Engine& engine, std::uint64_t now_ns) {
  constexpr std::uint64_t kPauseNs = 20'000'000;
  return engine.purge_wanted.load(std::memory_order_acquire) ||
         now_ns - engine.purged_ns.load(std::memory_order_relaxed) >= kPauseNs;
}

void purge_if_due(Engine& engine) {
  if (!purge_is_due(engine, engine.os.now_ns())) {
    return;
  }
  const bool wanted = engine.purge_wanted.exchange(false, std::memory_order_relaxed);
  {
    const InAllocator scope(engine);
    purge_and_book(engine, &engine.statm);
  }
  if (wanted && engine.groups.any()) {  // who asked goes by these counts as soon as it is over
    static_cast<void>(engine.groups.scan(engine.os, engine.pagemap));
  }
  engine.purged_ns.store(engine.os.now_ns(), std::memory_order_release);
}

bool defers(Engine& engine, const Standing& standing) {
  constexpr std::uint64_t kPatienceNs = 10'000'000;
  const std::uint64_t now = engine.os.now_ns();
  if (!colder_members_give(engine, standing.high_container)) {
    engine.deferred_since_ns.store(0, std::memory_order_relaxed);
    return false;
  }
  std::uint64_t since = 0;
  if (engine.deferred_since_ns.compare_exchange_strong(since, now, std::memory_order_relaxed)) {
    since = now;
  }
  return now - since < kPatienceNs;
}

void publish_swapped(Engine& engine) {
  constexpr std::uint64_t kPauseNs = 20'000'000;
  const std::uint64_t now = engine.os.now_ns();
  if (now - engine.swap_published_ns.load(std::memory_order_relaxed) < kPauseNs) {
    return;
  }
  engine.swap_published_ns.store(now, std::memory_order_relaxed);
  note_status(engine.os, engine.view, engine.account.member(), engine.account.pid());
}

void announce_room(Engine& engine) {
  engine.unserved.store(false, std::memory_order_seq_cst);  // first: who comes now is announced to, or looked after
  engine.room.fetch_add(1, std::memory_order_release);
  if (engine.waiters.load(std::memory_order_acquire) != 0) {
    static_cast<void>(engine.os.futex_wake(engine.room, INT32_MAX));
  }
}

}  // namespace weir
