// shrink.cc - purge, then batches until enough or no more.
#include "reclaim/shrink.h"

#include <algorithm>

#include "core/wake.h"

namespace weir {
namespace {

MemberRecord& record_of(Engine& engine, GroupNumber group) {
  return group == kNoGroup ? engine.record() : engine.groups.record(group);
}

void purge_now(Engine& engine) {
  const InAllocator scope(engine);
  purge_and_book(engine, engine.statm.is_open() ? &engine.statm : nullptr);
}

// Of a batch that asked for the same again each reason counts once, and no more than there is.
void note_stayed(MemberRecord& record, const EvictOutcome& outcome, Pages held) {
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    const Pages before{record.reclaim_stayed[i].load(std::memory_order_relaxed)};
    record.reclaim_stayed[i].store(std::min(std::max(before, outcome.stayed[i]), held).count,
                                   std::memory_order_relaxed);
  }
}

// What the process or the group holds just now, as the kernel tells it.
Pages held_now(Engine& engine, Pagemap& pagemap, GroupNumber group) {
  if (group != kNoGroup) {
    static_cast<void>(engine.groups.scan(engine.os, pagemap));
    return engine.groups.held(group);
  }
  engine.account.refresh(engine.os, engine.statm.is_open() ? &engine.statm : nullptr);
  return engine.account.last_reading();
}

bool is_withdrawn(const MemberRecord& record) {
  return record.request.load(std::memory_order_acquire) != kRequestReclaim;
}

// What ends all eviction accounts for everything that is left, not for the last batch alone.
void note_rest(MemberRecord& record, Pages rest) {
  for (const Counter& stayed : record.reclaim_stayed) {
    rest = rest - Pages{stayed.load(std::memory_order_relaxed)};
  }
  for (const StayReason reason : {StayReason::kSwapLimit, StayReason::kNoSwap}) {
    Counter& stayed = record.reclaim_stayed[static_cast<std::size_t>(reason)];
    if (stayed.load(std::memory_order_relaxed) != 0) {
      stayed.fetch_add(rest.count, std::memory_order_relaxed);
      return;
    }
  }
}

// Batches until `wanted` pages are gone for good, or three in a row gain nothing: what is in use, the memory of this
// very code to begin with, leaves and comes back for ever. Or until nobody wants them any more.
void evict_until(Engine& engine, Pagemap& pagemap, Pages wanted, bool patient, GroupNumber group, Pages start) {
  constexpr int kMostIdle = 3;
  constexpr Pages kGain{64};  // twice what the kernel's count may be wrong by on a core
  MemberRecord& record = record_of(engine, group);
  Pages least = held_now(engine, pagemap, group);
  for (int idle = 0; idle < kMostIdle && start - least < wanted && !is_withdrawn(record);) {
    const BatchOrder order{std::min(wanted - (start - least), kMostPerCall), patient, group, 0, true};
    const EvictOutcome outcome = evict_batch(engine, pagemap, order);
    const Pages held = held_now(engine, pagemap, group);
    note_stayed(record, outcome, held);
    idle = held + kGain <= least ? 0 : idle + 1;
    least = std::min(least, held);
    record.reclaim_done.store((start - least).count, std::memory_order_relaxed);
    if (outcome.done == Pages::none()) {
      break;
    }
  }
}

}  // namespace

void serve_reclaim_request(Engine& engine, Pagemap& pagemap, bool may_purge, GroupNumber group) {
  MemberRecord& record = record_of(engine, group);
  const Pages wanted{record.reclaim_wanted.load(std::memory_order_relaxed)};
  record.reclaim_done.store(0, std::memory_order_relaxed);
  for (Counter& stayed : record.reclaim_stayed) {
    stayed.store(0, std::memory_order_relaxed);
  }
  const Pages start = held_now(engine, pagemap, group);
  if (may_purge) {
    purge_now(engine);
  }
  evict_until(engine, pagemap, wanted, true, group, start);
  evict_until(engine, pagemap, wanted, false, group, start);
  note_rest(record, wanted - Pages{record.reclaim_done.load(std::memory_order_relaxed)});
  engine.account.refresh(engine.os, engine.statm.is_open() ? &engine.statm : nullptr);
  if (end_request(record, kRequestReclaim)) {
    static_cast<void>(engine.os.futex_wake(record.request, INT32_MAX));
  }
}

void serve_group_requests(Engine& engine) {
  for (GroupNumber group = 0; engine.groups.any() && group < static_cast<GroupNumber>(kGroupPlaces); ++group) {
    if (engine.groups.has(group) &&
        engine.groups.record(group).request.load(std::memory_order_acquire) == kRequestReclaim) {
      serve_reclaim_request(engine, engine.pagemap, true, group);
    }
  }
}

}  // namespace weir
