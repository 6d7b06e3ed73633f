// shrink.cc - purge, then batches until enough or no more.
#include "reclaim/shrink.h"

#include <algorithm>

namespace weir {
namespace {

constexpr Pages kBatch{256};

MemberRecord& record_of(Engine& engine, GroupNumber group) {
  return group == kNoGroup ? engine.record() : engine.groups.record(group);
}

Pages purged_now(Engine& engine) {
  const std::uint64_t before = engine.counters().purged.load(std::memory_order_relaxed);
  const InAllocator scope(engine);
  purge_and_book(engine, engine.statm.is_open() ? &engine.statm : nullptr);
  return Pages{engine.counters().purged.load(std::memory_order_relaxed) - before};
}

void note_batch(MemberRecord& record, const EvictOutcome& outcome) {
  count(record.reclaim_done, outcome.done.count);
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    count(record.reclaim_stayed[i], outcome.stayed[i].count);
  }
}

// Batches until `wanted` pages are gone in all, or one brings nothing.
void evict_until(Engine& engine, Pagemap& pagemap, Pages wanted, bool patient, GroupNumber group) {
  MemberRecord& record = record_of(engine, group);
  for (Pages done; (done = Pages{record.reclaim_done.load(std::memory_order_relaxed)}) < wanted;) {
    const EvictOutcome outcome = evict_batch(engine, pagemap, std::min(wanted - done, kBatch), patient, group);
    note_batch(record, outcome);
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
  if (may_purge) {
    count(record.reclaim_done, std::min(purged_now(engine), wanted).count);
  }
  evict_until(engine, pagemap, wanted, true, group);
  evict_until(engine, pagemap, wanted, false, group);
  if (group != kNoGroup) {
    static_cast<void>(engine.groups.scan(engine.os, pagemap));
  }
  engine.account.refresh(engine.os, engine.statm.is_open() ? &engine.statm : nullptr);
  std::uint32_t asked = kRequestReclaim;
  if (record.request.compare_exchange_strong(asked, 0, std::memory_order_acq_rel)) {
    static_cast<void>(engine.os.futex_wake(record.request, INT32_MAX));
  }
}

void serve_group_requests(Engine& engine) {
  for (GroupNumber group = 0; engine.groups.any() && group < static_cast<GroupNumber>(kMostGroups); ++group) {
    if (engine.groups.has(group) &&
        engine.groups.record(group).request.load(std::memory_order_acquire) == kRequestReclaim) {
      serve_reclaim_request(engine, engine.pagemap, true, group);
    }
  }
}

}  // namespace weir
