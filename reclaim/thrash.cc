// thrash.cc - windows of a second, how long they have been bad, and what follows.
#include "reclaim/thrash.h"

#include <algorithm>

#include "core/events.h"
#include "core/text.h"
#include "core/usage.h"
#include "reclaim/engine.h"
#include "reclaim/oom.h"
#include "reclaim/peers.h"

namespace weir {
namespace {

constexpr std::uint64_t kWindowNs = 1'000'000'000;
constexpr std::uint64_t kGapNs = 3 * kWindowNs;  // so long without a look: nobody paged

// Members that grew above high of late, as far as there are cores for them.
std::uint64_t may_run(const Engine& engine, ContainerId id, std::uint64_t now) {
  std::uint64_t runners = 0;
  each_that_counts(engine, id, [&](const BookEntry&, const MemberRecord& record, MemberId) {
    runners += now - record.active_ns.load(std::memory_order_relaxed) < kWindowNs ? 1 : 0;
  });
  return std::clamp<std::uint64_t>(runners, 1, std::max(engine.os.cores(), 1U));
}

// Since when the container thrashes, as of this look; 0: it does not.
std::uint64_t thrashes_since(Engine& engine, ContainerId id, std::uint64_t now) {
  LoadRecord& load = engine.view.container(id).load;
  std::uint64_t start = load.second_start_ns.load(std::memory_order_acquire);
  const std::uint64_t since = load.thrash_since_ns.load(std::memory_order_relaxed);
  if (now - start < kWindowNs || !load.second_start_ns.compare_exchange_strong(start, now, std::memory_order_acq_rel)) {
    return since;
  }
  const std::uint64_t total = load.paging_ns.load(std::memory_order_relaxed);
  const std::uint64_t paging = total - load.second_paging_ns.exchange(total, std::memory_order_relaxed);
  const std::uint64_t capacity = (now - start) * may_run(engine, id, now);
  std::uint64_t next = since;
  load.thrash_paging_ns.fetch_add(paging, std::memory_order_relaxed);
  load.thrash_capacity_ns.fetch_add(capacity, std::memory_order_relaxed);
  if (start == 0 || now - start > kGapNs || paging < capacity / 4) {
    next = 0;
  } else if (paging >= capacity / 2 && since == 0) {
    next = start;
    load.thrash_paging_ns.store(paging, std::memory_order_relaxed);
    load.thrash_capacity_ns.store(capacity, std::memory_order_relaxed);
  }
  load.thrash_since_ns.store(next, std::memory_order_relaxed);
  return next;
}

void tell(Engine& engine, ContainerId id, std::uint64_t seconds) {
  count(engine.view.container(id).counters.events_thrash);
  TextBuffer<96> text;
  text.add("thrashing for ").add_number(seconds).add(" s: half of the time goes into paging");
  post_event(engine.os, engine.view, {EventKind::kThrash, id, engine.account.pid(), {seconds, 0}, text.view()});
}

void look_at(Engine& engine, ContainerId id, std::uint64_t now) {
  ContainerRecord& record = engine.view.container(id);
  const std::uint64_t seconds = record.thrash_seconds.load(std::memory_order_relaxed);
  if (seconds == 0 || Pages{record.limit.load(std::memory_order_relaxed)}.unlimited()) {
    return;
  }
  std::uint64_t since = thrashes_since(engine, id, now);
  if (since == 0 || now - since < seconds * kWindowNs) {
    return;
  }
  // A calmer second does not end it, and counts.
  if (record.load.thrash_paging_ns.load(std::memory_order_relaxed) <
      record.load.thrash_capacity_ns.load(std::memory_order_relaxed) / 2) {
    return;
  }
  // The next time is as long from here. Whoever gets it tells, and decides.
  if (!record.load.thrash_since_ns.compare_exchange_strong(since, now, std::memory_order_acq_rel)) {
    return;
  }
  record.load.thrash_paging_ns.store(0, std::memory_order_relaxed);
  record.load.thrash_capacity_ns.store(0, std::memory_order_relaxed);
  tell(engine, id, seconds);
  if (record.thrash_is_oom.load(std::memory_order_relaxed) != 0) {
    Standing standing;
    standing.container = id;
    standing.usage = usage_of(engine.view, id);
    standing.marks = marks_of(record);
    out_of_memory(engine, standing, since);
  }
}

}  // namespace

void mind_thrash(Engine& engine) {
  const std::uint64_t now = engine.os.now_ns();
  for (const ContainerId at : Upwards(engine.view, engine.account.container())) {
    look_at(engine, at, now);
  }
}

}  // namespace weir
