// working_set.cc - counts that fade, and the distance beyond which few of them lie.
#include "core/working_set.h"

#include <algorithm>

namespace weir {
namespace {

constexpr std::uint64_t kHalfLifeNs = 16'000'000'000;
constexpr std::uint64_t kMostHalvings = 32;
constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr int kFirstOctave = 6;  // the first class ends at 64 pages: 256 KiB

void fade(DistanceRecord& record, std::uint64_t now_ns) {
  std::uint64_t last = record.halved_ns.load(std::memory_order_relaxed);
  const std::uint64_t halvings = last == 0 || now_ns < last ? 0 : (now_ns - last) / kHalfLifeNs;
  if (last != 0 && halvings == 0) {
    return;
  }
  // Who moves the time does it; another one at the same moment finds it done.
  const std::uint64_t until = last == 0 ? now_ns : last + halvings * kHalfLifeNs;
  if (!record.halved_ns.compare_exchange_strong(last, until, std::memory_order_relaxed)) {
    return;
  }
  for (Word& refaults : record.refaults) {
    const std::uint64_t count = refaults.load(std::memory_order_relaxed);
    const std::uint64_t left = count >> std::min(halvings, kMostHalvings);
    refaults.fetch_sub(static_cast<std::uint32_t>(count - left), std::memory_order_relaxed);
  }
}

// The distance beyond which `all / share` of the refaults lie; within a class they are taken for even.
Pages bound_for(const DistanceCounts& refaults, std::uint64_t all, std::uint64_t share) {
  std::uint64_t beyond = all;
  for (std::size_t i = 0; i < kDistanceClasses; ++i) {
    if (beyond - refaults[i] <= all / share) {
      const std::uint64_t least = i == 0 ? 0 : distance_bound(i - 1).count;
      const std::uint64_t spared = beyond - all / share;
      return Pages{least + (distance_bound(i).count - least) * spared / std::max(refaults[i], 1U)};
    }
    beyond -= refaults[i];
  }
  return distance_bound(kDistanceClasses - 1);
}

}  // namespace

// Two classes an octave: up to 64 pages, 90, 128, 181, 256 ...
std::size_t distance_class(Pages distance) {
  std::size_t found = 0;
  while (found + 1 < kDistanceClasses && distance > distance_bound(found)) {
    ++found;
  }
  return found;
}

Pages distance_bound(std::size_t distance_class) {
  constexpr std::uint64_t kRootOfTwo = 1448;  // by 2^10
  const std::uint64_t octave = std::uint64_t{1} << (kFirstOctave + distance_class / 2);
  return Pages{distance_class % 2 == 0 ? octave : octave * kRootOfTwo / 1024};
}

void note_distances(DistanceRecord& record, const DistanceCounts& refaults, Pages swapped, std::uint64_t now_ns) {
  fade(record, now_ns);
  record.swapped.store(swapped.count, std::memory_order_relaxed);
  for (std::size_t i = 0; i < kDistanceClasses; ++i) {
    if (refaults[i] != 0) {
      record.refaults[i].fetch_add(refaults[i], std::memory_order_relaxed);
    }
  }
}

// At a steady rate r the counts hold r * half life after a halving, and grow by r from there on.
WorkingSet working_set_at(DistanceRecord& record, std::uint64_t now_ns) {
  WorkingSet out;
  fade(record, now_ns);
  DistanceCounts refaults{};
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < kDistanceClasses; ++i) {
    refaults[i] = record.refaults[i].load(std::memory_order_relaxed);
    all += refaults[i];
  }
  if (all == 0) {
    return out;
  }
  const std::uint64_t halved = record.halved_ns.load(std::memory_order_relaxed);
  const std::uint64_t since = std::min(now_ns > halved ? now_ns - halved : 0, kHalfLifeNs);
  out.refaults_per_second = all * 1000 / ((kHalfLifeNs + since) / kNsPerMs);
  const Pages out_there{record.swapped.load(std::memory_order_relaxed)};
  out.for_half = std::min(bound_for(refaults, all, 2), out_there);
  out.for_tenth = std::min(bound_for(refaults, all, 10), out_there);
  return out;
}

}  // namespace weir
