// unseen_growth.cc - how long the limit has been passed, and whose doing that was.
#include "reclaim/unseen_growth.h"

#include <algorithm>

#include "core/stats.h"
#include "reclaim/enomem.h"
#include "reclaim/kill_warning.h"
#include "reclaim/look_around.h"
#include "reclaim/oom.h"

namespace weir {
namespace {

constexpr std::uint64_t kPatienceNs = 2'000'000'000;
constexpr std::int64_t kNextLookNs = 200'000'000;

std::uint32_t generation_of(const Engine& engine, ContainerId id) {
  return engine.view.container(id).generation.load(std::memory_order_relaxed);
}

}  // namespace

void UnseenGrowth::note(const Engine& engine, const Standing& standing, Pages held) {
  since_ns_ = 0;
  told_ = false;
  held_below_ = held;
  container_ = standing.container;
  generation_ = generation_of(engine, standing.container);
}

void UnseenGrowth::begin(const Engine& engine) {
  note(engine, engine.account.standing(Pages::none()), Pages::none());
}

bool UnseenGrowth::is_ours(const Engine& engine, const Standing& standing) const {
  return standing.container == container_ && generation_of(engine, standing.container) == generation_ &&
         engine.account.last_reading() - held_below_ >= standing.usage - standing.marks.limit;
}

std::int64_t UnseenGrowth::mind(Engine& engine, const LookResult& result) {
  const Standing standing = engine.account.standing(Pages::none());
  if (!over_limit(standing)) {
    note(engine, standing, engine.account.last_reading());
    return -1;
  }
  const std::uint64_t now = engine.os.now_ns();
  const bool helpless = result.fruitless && engine.waiters.load(std::memory_order_acquire) == 0;
  if (!helpless || !is_ours(engine, standing) || within_reserve(engine, standing) ||
      in_grace(engine, standing.container)) {
    since_ns_ = 0;
    return -1;
  }
  since_ns_ = since_ns_ == 0 ? now : since_ns_;
  if (now - since_ns_ < kPatienceNs) {
    return kNextLookNs;
  }
  ContainerCounters& counters = engine.view.container(standing.container).counters;
  count(counters.failcnt, told_ ? 0 : 1);
  count(counters.events_limit, told_ ? 0 : 1);
  told_ = true;
  refresh_members(engine.os, engine.view, Subtree::below(engine.view, standing.container));
  if (const Standing again = engine.account.standing(Pages::none()); over_limit(again)) {
    out_of_memory(engine, again, since_ns_);
  }
  return kNextLookNs;
}

}  // namespace weir
