// hold.cc - who is held, and for how long.
#include "reclaim/hold.h"

#include <algorithm>

#include "reclaim/look_around.h"

namespace weir {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kThrottleWait = 2 * kMillisecond;
constexpr std::int64_t kHoldWait = 20 * kMillisecond;
constexpr std::uint64_t kMostHold = 200 * kMillisecond;
constexpr Pages kHelpBatch{64};
constexpr Pages kLeastHelp{16};
// Two huge pages: an allocation may lie across their border.
constexpr Pages kMostSoon{1024};

// Of what must leave until low, as much as this process holds of all.
Pages own_share(const Engine& engine, const Standing& standing) {
  const Pages own = std::min(engine.account.last_reading(), standing.usage);
  return Pages{standing.above_low.count * own.count / std::max<std::uint64_t>(standing.usage.count, 1)};
}

// What must leave before low is free for what was asked for.
Pages above_low(const Engine& engine, const ChargeRequest& request) {
  const Pages soon = std::min(request.expected, kMostSoon);
  const Standing standing =
      request.group == kNoGroup ? engine.account.standing(soon) : engine.groups.standing(request.group, soon);
  return standing.above_low;
}

// Evicts a batch of its share, if it may; else waits. What is left of the share.
Pages help_or_wait(Engine& engine, const ChargeRequest& request, ContainerId id, std::uint32_t seen,
                   std::int64_t most_ns, Pages share) {
  if (!engine.may_open_here() || share == Pages::none()) {
    wait_for_room(engine, seen, most_ns);
    return share;
  }
  const Pages done = evict_here(engine, id, kHelpBatch, true, request.group);
  refresh_here(engine, request);
  return done < kLeastHelp ? Pages::none() : share - done;
}

}  // namespace

Hold hold_for(const Engine& engine, const Standing& standing) {
  if (standing.marks.limit.unlimited() || !engine.reclaimer_runs.load(std::memory_order_acquire)) {
    return {};
  }
  if (!is_sampled(engine)) {
    return {true, true, kHoldWait};
  }
  const Pages gap = standing.marks.limit - standing.marks.high;
  return {standing.room.count < gap.count / 2, false, kThrottleWait};
}

bool is_held_from_low(const Engine& engine, const ChargeRequest& request) {
  return !is_sampled(engine) && !request.may_refuse && request.expected > kMostExpected;
}

bool wait_held(Engine& engine, const ChargeRequest& request, const Hold& hold, std::uint32_t seen,
               const Standing& standing) {
  if (!hold.to_low) {
    help_or_wait(engine, request, standing.high_container, seen, hold.most_ns, kHelpBatch);
    return true;
  }
  Pages share = own_share(engine, standing);
  Pages least = above_low(engine, request);
  std::uint64_t since = engine.os.now_ns();
  const std::uint64_t end = since + kMostHold;
  const bool others_work = standing.above_high > Pages::none();
  if (!others_work && share == Pages::none()) {
    return false;
  }
  for (std::int64_t left = hold.most_ns; left > 0 && (others_work || share > Pages::none());) {
    share = help_or_wait(engine, request, standing.high_container, seen, left, share);
    seen = engine.room.load(std::memory_order_acquire);
    const Pages above = above_low(engine, request);
    if (above == Pages::none()) {
      break;
    }
    if (engine.is_called_away()) {
      break;
    }
    const std::uint64_t now = engine.os.now_ns();
    if (above + kLeastHelp < least && now < end) {
      least = above;
      since = now;
    }
    left = hold.most_ns - static_cast<std::int64_t>(now - since);
  }
  return true;
}

}  // namespace weir
