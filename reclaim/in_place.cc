// in_place.cc - a batch or two where the fault was sampled.
#include "reclaim/in_place.h"

#include "reclaim/adaptive_marks.h"
#include "reclaim/batches.h"
#include "reclaim/other_members.h"

namespace weir {
namespace {

constexpr int kMostBatches = 2;
constexpr std::int64_t kLockWaitNs = 1'000'000;

bool work_down_here(Engine& engine, Pagemap& pagemap, Standing standing) {
  for (int batch = 0; batch < kMostBatches; ++batch) {
    const Pages wanted = target(engine, standing, false);
    const Batch did = evict_our_part(engine, pagemap, nullptr, standing.high_container, wanted);
    if (did != Batch::kLeft) {
      return did == Batch::kOthersDo;
    }
    standing = engine.account.standing(headroom(engine));
    if (standing.above_high == Pages::none()) {
      return true;
    }
  }
  return true;
}

}  // namespace

bool reclaim_in_place(Engine& engine) {
  const ReclaimGuard guard(engine.os, engine.direct_lock, kLockWaitNs);
  if (!guard.held()) {
    return true;
  }
  engine.account.refresh(engine.os, nullptr);
  const Standing standing = engine.account.standing(headroom(engine));
  if (standing.above_high == Pages::none()) {
    return true;
  }
  const std::uint64_t start = engine.os.now_ns();
  engine.placement.note_work(start);
  refresh_others(engine, standing.high_container);
  if (purge_is_due(engine, start)) {
    wake_reclaimer(engine);
  }
  if (share_of(engine, standing.high_container, standing.above_low) == Pages::none() || defers(engine, standing)) {
    return true;
  }
  Pagemap pagemap(engine.direct_buffer);
  if (pagemap.open(engine.os) != 0) {
    return false;
  }
  count(engine.view.container(standing.high_container).counters.events_high);
  const bool left = work_down_here(engine, pagemap, standing);
  pagemap.close(engine.os);
  publish_swapped(engine);
  adapt_marks(engine, standing.high_container);
  return left;
}

}  // namespace weir
