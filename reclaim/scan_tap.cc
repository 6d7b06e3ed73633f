// scan_tap.cc - what a scan finds, and what it passes by, granule by granule.
#include <algorithm>

#include "reclaim/recorder.h"

namespace weir {
namespace {

constexpr std::int64_t kLockWaitNs = 1'000'000;

std::uint16_t pages_of(AddressRange range, Granule granule) {
  const AddressRange whole = granule.range();
  const std::uintptr_t begin = std::max(range.begin, whole.begin);
  const std::uintptr_t end = std::min(range.end, whole.end);
  if (begin >= end) {
    return 0;
  }
  const auto count = static_cast<std::uint32_t>((end - begin) >> kPageShift);
  const std::uint32_t mask = (1U << count) - 1;
  return static_cast<std::uint16_t>(mask << ((begin - whole.begin) >> kPageShift));
}

}  // namespace

void ScanTap::scan_begins(AddressRange range, bool swapped) {
  range_ = range;
  swapped_ = swapped;
  at_ = Granule::holding(range.begin);
  mask_ = 0;
  ignored_ = !recorder_.is_on();
}

std::uint16_t ScanTap::covered(Granule granule) const {
  return pages_of(range_, granule);
}

// The granule at work, and those up to `end` that the scan has passed without finding anything.
void ScanTap::settle_before(Granule end) {
  const auto settle = [this](Granule granule, std::uint16_t seen) {
    const std::uint16_t covered = this->covered(granule);
    const bool out = pages_of(paged_out_, granule) == 0xFFFF;
    recorder_.settle(granule, static_cast<std::uint16_t>(seen & covered), covered, swapped_, out);
  };
  if (at_ < end) {
    settle(at_, mask_);
    Granule next{at_.number + 1};
    while (next < end && recorder_.pages_.next(next, end, swapped_, next)) {
      settle(next, 0);
      ++next.number;
    }
    at_ = end;
    mask_ = 0;
  }
}

void ScanTap::scan_found(AddressRange run) {
  if (ignored_) {
    return;
  }
  const ReclaimGuard guard(*recorder_.os_, recorder_.lock_, kLockWaitNs);
  if (!guard.held()) {
    ignored_ = true;
    return;
  }
  while (run.begin < run.end) {
    const Granule granule = Granule::holding(run.begin);
    settle_before(granule);
    const std::uintptr_t end = std::min(run.end, granule.range().end);
    mask_ = static_cast<std::uint16_t>(mask_ | pages_of({run.begin, end}, granule));
    run.begin = end;
  }
}

void ScanTap::scan_ends(std::uintptr_t end) {
  if (!ignored_) {
    const ReclaimGuard guard(*recorder_.os_, recorder_.lock_, kLockWaitNs);
    if (guard.held()) {
      range_.end = std::min(end, range_.end);
      settle_before(Granule::holding(range_.end + kGranuleBytes - 1));
    }
  }
  paged_out_ = {};
  ignored_ = true;
}

}  // namespace weir
