// ranking.cc - what is known of a granule, how soon that makes it leave, and who is next.
#include "reclaim/ranking.h"

#include <algorithm>

namespace weir {

ReadaheadOutcome Ranking::follow_fronts(Os& os, Pagemap& pagemap, Pages most) {
  return fronts_.follow(os, pagemap, most, [&](AddressRange way) { gone_.cut(way); });
}

bool Ranking::note_resident(GranuleRecord& record, PageSet present) {
  const PageSet came = without(present, record.present);
  const bool grew = came != 0 || record.is_new();
  const PageSet back = came & record.gone;
  if (came != 0) {
    recency_.note_arrival(record.used_at, Pages{size_of(came)}, evidence_ ? Pages{size_of(back)} : Pages::none());
  }
  if (back != 0) {
    refaults_ += size_of(back);
    const Pages distance = distance_of(record);
    distances_[distance_class(distance)] += size_of(back);
    if (distance.count < found_in_all_.count / kSoonPart) {
      record.credits.grant(back & record.last_gone);
    }
    record.gone = without(record.gone, back);
    record.refaults = static_cast<std::uint8_t>(std::min(record.refaults + 1, 15)) & 0xFU;
  }
  if (grew) {
    record.born = scan_number_ & kScanMask;
    record.heat = std::max<std::uint32_t>(record.heat, kFreshHeat) & 0xFFU;
  }
  record.present = present;
  return grew;
}

void Ranking::note_evicted(GranuleRecord& record, PageSet gone) const {
  if (gone != 0) {
    record.gone |= gone;
    record.last_gone = gone;
    record.left_at = clock_.load(std::memory_order_relaxed);
  }
}

// It came back at some time since the last build, when it was found missing: in the middle, say.
Pages Ranking::distance_of(const GranuleRecord& record) const {
  const auto since = [&](std::uint32_t clock) { return static_cast<std::int32_t>(clock - record.left_at); };
  const std::int32_t now = std::max(since(clock_.load(std::memory_order_relaxed)), 0);
  const std::int32_t before = std::clamp(since(clock_at_build_), 0, now);  // 0: it left after that build
  return Pages{static_cast<std::uint64_t>(before + (now - before) / 2)};
}

PageSet Ranking::take_spared(GranuleRecord& record) const {
  const PageSet spared = patient_ && !early_ ? record.credits.any() & record.present : PageSet{0};
  record.credits.take(spared);
  if (spared != 0) {
    record.born = scan_number_ & kScanMask;
  }
  return spared;
}

void Ranking::note_use(GranuleRecord& record, Pages referenced, Pages resident) {
  const std::uint64_t share =
      127 * std::min(referenced.count, resident.count) / std::max<std::uint64_t>(resident.count, 1);
  record.heat = static_cast<std::uint32_t>(record.heat / 2 + share) & 0xFFU;
  if (share >= kUsedShare) {
    record.born = scan_number_ & kScanMask;
    recency_.note_use(record.used_at, Pages{size_of(record.present) * share / 127});
  }
}

// Small keys leave first: eight classes, 32 steps of age in each. The class is how much of it is
// in use where that is known, else how often it came back. Where pages are to leave early, what was used of late but
// is not in use goes first, and the oldest of it last.
std::uint16_t Ranking::key_of(const GranuleRecord& record, std::uint32_t now) const {
  if (const std::uint32_t ago = early_ ? recency_.ago(record.used_at, kEarlyParts) : 0; ago > 0) {
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(ago, 31));
  }
  const std::uint32_t came_back = std::min<std::uint32_t>(record.refaults, 7);
  const std::uint32_t cost = evidence_ ? record.heat >> 5U : came_back;
  const std::uint32_t age = std::min<std::uint32_t>((now - record.born) & kScanMask, 31);
  return static_cast<std::uint16_t>(std::max(cost, early_ ? 1U : 0U) * 32 + (31 - age));
}

bool Ranking::next_is_hot() const {
  Candidate any;
  return evidence_ && peek(any) && sorted_[taken_].key >= kHotKey;
}

bool Ranking::next_is_unused_for(std::uint32_t builds) const {
  Candidate any;
  return builds == 0 || (evidence_ && !early_ && peek(any) && sorted_[taken_].key <= last_key(builds));
}

Pages Ranking::cold(std::uint32_t builds) const {
  Pages pages;
  for (std::size_t i = taken_; evidence_ && !early_ && i < count_ && sorted_[i].key <= last_key(builds); ++i) {
    pages = pages + Pages{sorted_[i].resident};
  }
  return pages;
}

bool Ranking::peek(Candidate& out) const {
  const std::uint64_t share = early_ ? kMostUsedShareEarly : kMostUsedShare;
  if (taken_ >= count_ || used_pages_ >= std::max(kLeastUsed, resident_.count / share)) {
    return false;
  }
  out = {Granule{sorted_[taken_].granule}, static_cast<std::uint8_t>(sorted_[taken_].resident)};
  return true;
}

void Ranking::take(Candidate& out) {
  const Entry& entry = sorted_[taken_++];
  out = {Granule{entry.granule}, static_cast<std::uint8_t>(entry.resident)};
  heat_[entry.key / 32] -= out.resident;
  used_pages_ += out.resident;
}

bool Ranking::next(Candidate& out) {
  const bool any = peek(out);
  if (any) {
    take(out);
  }
  return any;
}

bool Ranking::next_at(std::uintptr_t address, Candidate& out) {
  const bool any = peek(out) || (taken_ < count_ && sorted_[taken_].huge != 0);
  if (!any || Granule{sorted_[taken_].granule}.range().begin != address) {
    return false;
  }
  take(out);
  return true;
}

std::uint64_t Ranking::take_refaults(DistanceCounts& distances) {
  const std::uint64_t refaults = refaults_;
  refaults_ = 0;
  for (std::size_t i = 0; i < kDistanceClasses; ++i) {
    distances[i] += distances_[i];
  }
  distances_ = {};
  return refaults;
}

}  // namespace weir
