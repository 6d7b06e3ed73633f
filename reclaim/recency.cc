// recency.cc - a clock of pages, a histogram, and the comparison of two ways.
#include "reclaim/recency.h"

#include <algorithm>
#include <numeric>

namespace weir {

std::uint32_t Recency::parts_between(std::uint32_t used_at, std::uint32_t now, std::uint32_t parts) const {
  const auto since = static_cast<std::int32_t>(now - used_at);
  if (memory_ == 0 || since <= 0) {
    return 0;
  }
  const std::uint64_t passed = static_cast<std::uint64_t>(since) * parts / memory_;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(passed, UINT32_MAX));
}

std::uint32_t Recency::ago(std::uint32_t used_at, std::uint32_t parts) const {
  return parts_between(used_at, turned_at_, parts);
}

std::size_t Recency::note_again(std::uint32_t used_at, std::uint32_t now, Pages pages) {
  const std::size_t step = parts_between(used_at, now, kStepsOfMemory);
  if (step < kSteps) {
    again_[step] += static_cast<std::uint32_t>(pages.count);
  }
  return step;
}

void Recency::note_arrival(std::uint32_t& used_at, Pages came, Pages back) {
  if (back > Pages::none()) {
    note_again(used_at, now_, back);
  }
  now_ += static_cast<std::uint32_t>(came.count);
  used_at = now_;
}

// All that is seen in one look was used since the one before, in whatever order: time does not count within.
void Recency::note_use(std::uint32_t& used_at, Pages used) {
  if (note_again(used_at, turned_at_, used) > 0) {
    now_ += static_cast<std::uint32_t>(used.count);
  }
  used_at = now_;
}

// Used again from within what memory holds: there, if the least recently used leaves first.
std::uint64_t Recency::hits_if_late() const {
  return std::accumulate(again_.begin() + 1, again_.begin() + kStepsOfMemory, std::uint64_t{0});
}

// Everything leaves after its first step but for what fits beside; for the best choice of how far back that looks.
std::uint64_t Recency::hits_if_early() const {
  std::uint64_t best = 0;
  std::uint64_t sum = hits_if_late();
  for (std::size_t last = kStepsOfMemory; last < kSteps; ++last) {
    sum += again_[last];
    best = std::max(best, sum * (kStepsOfMemory - 1) / last);
  }
  return best;
}

void Recency::turn(Pages resident) {
  since_halved_ += now_ - turned_at_;
  turned_at_ = now_;
  memory_ = resident.count;
  const std::uint64_t late = hits_if_late();
  const std::uint64_t early = hits_if_early();
  // Twice as good to begin, half as good again to go on: where memory is used at random the two are equal, but for
  // chance, and what was used of late is what is lost if that is wrong. From a quarter of memory on it is no accident.
  early_ = early * 4 > memory_ && early * 2 >= late * (early_ ? 3 : 4);
  if (since_halved_ > 2 * memory_) {
    since_halved_ = 0;
    std::for_each(again_.begin(), again_.end(), [](std::uint32_t& pages) { pages /= 2; });
  }
}

}  // namespace weir
