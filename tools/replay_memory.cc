// replay_memory.cc - masks of sixteen pages.
#include "tools/replay_memory.h"

#include <algorithm>
#include <bit>

namespace weir {
namespace {

Pages pages_in(std::uint16_t mask) {
  return Pages{static_cast<std::uint64_t>(std::popcount(mask))};
}

std::uint16_t without(std::uint16_t mask, std::uint16_t taken) {
  return static_cast<std::uint16_t>(mask & ~taken);
}

// The pages of a granule that lie in a range.
std::uint16_t part_of(AddressRange range, std::uint64_t granule) {
  const AddressRange whole = Granule{granule}.range();
  std::uint32_t mask = 0;
  for (std::uint32_t page = 0; page < kPagesPerGranule; ++page) {
    const std::uintptr_t at = whole.begin + page * kPageBytes;
    mask |= at >= range.begin && at < range.end ? 1U << page : 0;
  }
  return static_cast<std::uint16_t>(mask);
}

template <typename Visit>
void each_in(ReplayMemory::Places& places, AddressRange range, Visit visit) {
  for (auto at = places.lower_bound(range.begin >> kGranuleShift);
       at != places.end() && Granule{at->first}.range().begin < range.end; ++at) {
    visit(at->second, part_of(range, at->first));
  }
}

}  // namespace

bool ReplayMemory::change(std::uint64_t granule, std::uint16_t present, std::uint16_t out, std::uint16_t& used) {
  ReplayPlace& place = places_[granule];
  const auto now_present = static_cast<std::uint16_t>(place.was_present ^ present);
  const auto now_out = static_cast<std::uint16_t>(place.was_out ^ out);
  if ((now_present & now_out) != 0) {
    return false;
  }
  used = without(now_present, place.was_present);
  const auto there = static_cast<std::uint16_t>(now_present | now_out);
  const auto gone = without(static_cast<std::uint16_t>(place.was_present | place.was_out), there);
  present_ = present_ - pages_in(place.present & gone);
  out_ = out_ - pages_in(place.out & gone);
  place.present = without(place.present, gone);
  place.out = without(place.out, gone);
  place.referenced = without(place.referenced, gone);
  place.was_present = now_present;
  place.was_out = now_out;
  return true;
}

bool ReplayMemory::touch(ReplayPlace& place, std::uint16_t page) {
  place.referenced = static_cast<std::uint16_t>(place.referenced | page);
  if ((place.present & page) != 0) {
    return false;
  }
  if ((place.out & page) != 0) {
    ++major_faults_;
    out_ = out_ - Pages{1};
    place.out = without(place.out, page);
  } else {
    ++minor_faults_;
  }
  place.present = static_cast<std::uint16_t>(place.present | page);
  present_ = present_ + Pages{1};
  peak_ = std::max(peak_, present_);
  return true;
}

Pages ReplayMemory::page_out(AddressRange range) {
  Pages left;
  each_in(places_, range, [&](ReplayPlace& place, std::uint16_t part) {
    const auto leaving = static_cast<std::uint16_t>(place.present & part);
    left = left + pages_in(leaving);
    place.out = static_cast<std::uint16_t>(place.out | leaving);
    place.present = without(place.present, leaving);
    place.referenced = without(place.referenced, leaving);
  });
  present_ = present_ - left;
  out_ = out_ + left;
  evicted_ = evicted_ + left;
  return left;
}

void ReplayMemory::forget_use(AddressRange range) {
  each_in(places_, range,
          [](ReplayPlace& place, std::uint16_t part) { place.referenced = without(place.referenced, part); });
}

void ReplayMemory::set_random(AddressRange range, bool random) {
  each_in(places_, range, [random](ReplayPlace& place, std::uint16_t) { place.random = random; });
}

void ReplayMemory::clear() {
  for (auto& [granule, place] : places_) {
    place.present = place.out = place.referenced = 0;
  }
  present_ = {};
  out_ = {};
}

}  // namespace weir
