// gone_ranges.cc - a small sorted table: joined where ranges meet, cut where something is back.
#include "reclaim/gone_ranges.h"

#include <algorithm>

namespace weir {

void GoneRanges::insert(std::size_t place, AddressRange range) {
  std::copy_backward(ranges_.begin() + place, ranges_.begin() + count_, ranges_.begin() + count_ + 1);
  ranges_[place] = range;
  ++count_;
}

void GoneRanges::erase(std::size_t place) {
  std::copy(ranges_.begin() + place + 1, ranges_.begin() + count_, ranges_.begin() + place);
  --count_;
}

std::size_t GoneRanges::smallest() const {
  const auto shorter = [](const AddressRange& a, const AddressRange& b) { return a.bytes() < b.bytes(); };
  return static_cast<std::size_t>(std::min_element(begin(), end(), shorter) - begin());
}

void GoneRanges::add(AddressRange range) {
  const auto is_before = [](const AddressRange& a, std::uintptr_t address) { return a.end < address; };
  const auto* const first = std::lower_bound(begin(), end(), range.begin, is_before);
  const auto place = static_cast<std::size_t>(first - begin());
  // All that meet it become one with it.
  while (place < count_ && ranges_[place].begin <= range.end) {
    range = {std::min(range.begin, ranges_[place].begin), std::max(range.end, ranges_[place].end)};
    erase(place);
  }
  if (range.bytes() < kLeastBytes) {
    return;
  }
  if (count_ < kMost) {
    insert(place, range);
  } else if (const std::size_t least = smallest(); ranges_[least].bytes() < range.bytes()) {
    erase(least);
    insert(least < place ? place - 1 : place, range);
  }
}

std::size_t GoneRanges::cut(AddressRange range) {
  std::size_t known = 0;
  const auto ends_by = [](const AddressRange& a, std::uintptr_t address) { return a.end <= address; };
  auto i = static_cast<std::size_t>(std::lower_bound(begin(), end(), range.begin, ends_by) - begin());
  while (i < count_ && ranges_[i].begin < range.end) {
    const AddressRange old = ranges_[i];
    erase(i);
    const AddressRange before{old.begin, std::max(old.begin, range.begin)};
    const AddressRange behind{std::min(old.end, range.end), old.end};
    known += behind.begin - before.end;
    for (const AddressRange& rest : {before, behind}) {
      if (rest.bytes() >= kLeastBytes && count_ < kMost) {
        insert(i++, rest);
      }
    }
  }
  return known;
}

void GoneRanges::forget_touched() {
  const std::uint32_t now = next_sample_.load(std::memory_order_relaxed);
  const std::uint32_t missed = now - seen_samples_;
  if (missed > kSamples) {
    count_ = 0;  // more than can be told one by one
  }
  for (std::uint32_t i = 0; i < std::min(missed, kSamples); ++i) {
    const std::uintptr_t address = samples_[(now - 1 - i) % kSamples].load(std::memory_order_relaxed);
    const std::uintptr_t at = address & ~(kReach - 1);  // scans begin and end at pages
    cut({at - std::min(at, kReach), at + 2 * kReach});
  }
  seen_samples_ = now;
}

}  // namespace weir
