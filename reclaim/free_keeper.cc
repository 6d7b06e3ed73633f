// free_keeper.cc - when large free blocks stay, and when they go.
#include "reclaim/free_keeper.h"

#include "reclaim/engine.h"

namespace weir {

void FreeKeeper::take(Engine& engine) {
  taken_.fetch_add(1, std::memory_order_relaxed);
  if (dozes_.load(std::memory_order_relaxed) && dozes_.exchange(false, std::memory_order_acq_rel)) {
    wake_reclaimer(engine);
  }
}

void FreeKeeper::keep(Engine& engine, bool wanted) {
  if (keeps_ == wanted || engine.keep_large == nullptr) {
    return;
  }
  const InAllocator scope(engine);
  if (engine.keep_large(wanted)) {
    keeps_ = wanted;
  }
}

// The allocator makes their arena with the first of them, which may not be there yet.
bool FreeKeeper::begin_to_keep(Engine& engine) {
  constexpr int kMostRefusals = 3;
  keep(engine, true);
  refusals_ = keeps_ ? 0 : refusals_ + 1;
  return keeps_ || refusals_ >= kMostRefusals;
}

std::int64_t FreeKeeper::turn(Engine& engine, bool bounded) {
  constexpr std::int64_t kSoonNs = 10'000'000;
  const std::uint32_t taken = taken_.load(std::memory_order_relaxed);
  const std::uint64_t now = engine.os.now_ns();
  if (taken == 0 || !bounded) {
    keep(engine, false);
    return -1;
  }
  if (taken != seen_) {
    if (!begin_to_keep(engine)) {
      return kSoonNs;
    }
    seen_ = taken;
    seen_ns_ = now;
  }
  if (!keeps_) {
    return -1;
  }
  const std::uint64_t quiet = now - seen_ns_;
  if (quiet < kQuietNs) {
    return static_cast<std::int64_t>(kQuietNs - quiet);
  }
  keep(engine, false);  // and what there is goes at once
  dozes_.store(true, std::memory_order_seq_cst);
  return taken_.load(std::memory_order_seq_cst) == seen_ ? -1 : 0;
}

void FreeKeeper::stop(Engine& engine) {
  keep(engine, false);
  dozes_.store(true, std::memory_order_relaxed);
}

bool FreeKeeper::forget() {
  const bool kept = keeps_;
  keeps_ = false;
  seen_ = 0;
  refusals_ = 0;
  taken_.store(0, std::memory_order_relaxed);
  dozes_.store(true, std::memory_order_relaxed);
  return kept;
}

}  // namespace weir
