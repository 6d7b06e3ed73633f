// meter_check.cc - faults compared with samples, over a window of a few hundredths of a second.
#include "reclaim/meter_check.h"

#include <algorithm>

namespace weir {
namespace {

// A thread has less than a sample's worth of faults that no sample stands for.
constexpr std::int32_t kMany = 128;
constexpr std::int32_t kManyOfMany = 1024;
// What threads had short of a sample when they ended would add up.
constexpr std::uint64_t kCountAnewNs = 50'000'000;
constexpr std::uint64_t kDoubtNs = 1'000'000'000;

std::int32_t many(const Engine& engine) {
  return engine.many_threads.load(std::memory_order_relaxed) ? kManyOfMany : kMany;
}

}  // namespace

bool MeterCheck::compare(Engine& engine) {
  std::uint32_t faults = 0;
  if (!faults_so_far(engine.os, faults)) {
    return false;
  }
  faults -= static_cast<std::uint32_t>(engine.os.thread_faults());  // this thread takes back its own
  const bool fresh = faults != faults_;
  faults_ = faults;
  if (counts_anew_) {
    counts_anew_ = false;
    judged_for_ = 0;
  }
  const std::uint32_t sampled = engine.sampled.load(std::memory_order_relaxed);
  const std::uint64_t now = engine.os.now_ns();
  unseen_ = then_ns_ == 0 ? 0 : static_cast<std::int32_t>((faults - faults_then_) - (sampled - sampled_then_));
  if (unseen_ >= many(engine)) {
    many_at_ns_ = now;
  }
  if (unseen_ <= 0 || now - then_ns_ >= kCountAnewNs) {
    faults_then_ = faults;
    sampled_then_ = sampled;
    then_ns_ = now;
    counts_anew_ = true;
  }
  return fresh;
}

void MeterCheck::judge(Engine& engine, const Standing& standing) {
  const Pages gap = standing.marks.limit - standing.marks.high;
  const auto nearest = static_cast<std::uint64_t>(many(engine));
  const bool near = standing.room.count <= std::max<std::uint64_t>(gap.count / 2, nearest) ||
                    engine.grows_unseen.load(std::memory_order_relaxed);
  judged_for_ = std::max(unseen_, 0);
  const bool lately = many_at_ns_ != 0 && engine.os.now_ns() - many_at_ns_ <= kCountAnewNs;
  engine.grows_unseen.store(near && has_perf_meter(engine) && lately, std::memory_order_relaxed);
}

bool MeterCheck::in_doubt(Os& os) const {
  return many_at_ns_ != 0 && os.now_ns() - many_at_ns_ < kDoubtNs;
}

bool MeterCheck::has_news(const Engine& engine) const {
  return has_perf_meter(engine) && unseen_ - judged_for_ >= many(engine);
}

}  // namespace weir
