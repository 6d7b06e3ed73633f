// ranking.cc - one scan, one counting sort.
#include "reclaim/ranking.h"

#include <algorithm>
#include <cerrno>

namespace weir {

// Cuts runs of pages into granules; a granule may have several runs.
class RankingVisitor final : public RunVisitor {
 public:
  RankingVisitor(Os& os, Ranking& ranking, AddressRange own, bool patient)
      : os_(os), ranking_(ranking), own_(own), patient_(patient) {}

  bool visit(const PageRun& run) override {
    ranking_.fronts_.note(run.range, ranking_.gone_.cut(run.range));
    for (std::uintptr_t at = run.range.begin; at < run.range.end;) {
      const Granule granule = Granule::holding(at);
      const std::uintptr_t end = std::min(run.range.end, granule.range().end);
      if (granule != current_) {
        flush();
        if (ranking_.count_ >= Ranking::kMostCandidates) {
          ranking_.resume_at_ = at;
          return false;
        }
        current_ = granule;
      }
      const bool is_own = at >= own_.begin && at < own_.end;
      resident_ = static_cast<std::uint8_t>(resident_ + (is_own ? 0 : (end - at) >> kPageShift));
      huge_ = huge_ || run.huge;
      at = end;
    }
    return true;
  }

  void flush() {
    if (resident_ > 0 && ranking_.filter_.takes(current_)) {
      ranking_.add(os_, current_, resident_, huge_, patient_);
    }
    resident_ = 0;
    huge_ = false;
  }
  void end() {
    flush();
    ranking_.fronts_.end_of_scan();
  }

 private:
  Os& os_;
  Ranking& ranking_;
  AddressRange own_;
  bool patient_;
  Granule current_{0};
  std::uint8_t resident_ = 0;
  bool huge_ = false;
};

bool Ranking::make_arrays(Os& os) {
  for (Entry** array : {&found_, &sorted_}) {
    if (*array == nullptr) {
      const MapResult mapped = os.map_anonymous(kMostCandidates * sizeof(Entry));
      if (!mapped.ok()) {
        return false;
      }
      *array = static_cast<Entry*>(mapped.address);
    }
  }
  return true;
}

void Ranking::empty() {
  count_ = 0;
  taken_ = 0;
  used_pages_ = 0;
  resident_ = {};
  unevictable_ = {};
  std::fill_n(heat_, kHeatClasses, 0);
  resume_at_ = kWholeAddressSpace.begin;
}

int Ranking::scan_all(Os& os, Pagemap& pagemap, std::uintptr_t start, RankingVisitor& visitor) {
  since_full_scan_ = 0;
  const int error = pagemap.scan(os, {start, kWholeAddressSpace.end}, visitor);
  visitor.end();
  return error;
}

int Ranking::scan_but_gone(Os& os, Pagemap& pagemap, std::uintptr_t start, RankingVisitor& visitor) {
  ++since_full_scan_;
  int error = 0;
  for (const AddressRange& gone : gone_) {
    if (error == 0 && start < gone.begin && resume_at_ == kWholeAddressSpace.begin) {
      error = pagemap.scan(os, {start, gone.begin}, visitor);
    }
    start = std::max(start, gone.end);
  }
  if (error == 0 && resume_at_ == kWholeAddressSpace.begin) {
    error = pagemap.scan(os, {start, kWholeAddressSpace.end}, visitor);
  }
  visitor.end();
  return error;
}

int Ranking::build(Os& os, Pagemap& pagemap, AddressRange own, bool patient, const OwnerFilter& filter, Pages held) {
  if (!make_arrays(os)) {
    return ENOMEM;
  }
  ++scan_number_;
  const std::uint32_t clock = clock_.load(std::memory_order_relaxed);
  const std::uintptr_t start = is_for(filter) ? resume_at_ : kWholeAddressSpace.begin;
  filter_ = filter;
  empty();
  gone_.forget_touched();
  int error = 0;
  const bool may_pass_by =
      held > Pages::none() && patient && filter.owners == nullptr && since_full_scan_ + 1 < kFullScanEvery;
  if (may_pass_by) {
    RankingVisitor visitor(os, *this, own, patient);
    error = scan_but_gone(os, pagemap, start, visitor);
  }
  const bool stopped_early = resume_at_ != kWholeAddressSpace.begin || start != kWholeAddressSpace.begin;
  if (!may_pass_by || (!stopped_early && resident_.count * 8 < held.count * 7)) {
    empty();
    RankingVisitor visitor(os, *this, own, patient);
    error = scan_all(os, pagemap, start, visitor);
  }
  clock_at_build_ = clock;
  sort();
  return error;
}

ReadaheadOutcome Ranking::follow_fronts(Os& os, Pagemap& pagemap, Pages most) {
  return fronts_.follow(os, pagemap, most, [&](AddressRange way) { gone_.cut(way); });
}

bool Ranking::note_resident(GranuleRecord& record, std::uint8_t resident) {
  const bool grew = resident > record.resident || record.is_new();
  if (record.evicted > 0 && resident > record.resident) {
    const auto back = static_cast<std::uint8_t>(std::min<int>(record.evicted, resident - record.resident));
    refaults_ += back;
    distances_[distance_class(distance_of(record))] += back;
    record.evicted = static_cast<std::uint8_t>(record.evicted - back);
    record.refaults = static_cast<std::uint8_t>(std::min(record.refaults + 1, 15)) & 0xFU;
  }
  if (grew) {
    record.born = scan_number_ & kScanMask;
    record.heat = std::max<std::uint32_t>(record.heat, kFreshHeat) & 0xFFU;
  }
  record.resident = resident;
  return grew;
}

void Ranking::note_evicted(GranuleRecord& record, std::uint8_t gone) const {
  record.evicted = static_cast<std::uint8_t>(std::min<int>(record.evicted + gone, kPagesPerGranule));
  if (gone > 0) {
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

void Ranking::add(Os& os, Granule granule, std::uint8_t resident, bool huge, bool patient) {
  resident_ = resident_ + Pages{resident};
  GranuleRecord* record = map_.find_or_make(os, granule);
  if (record == nullptr || count_ >= kMostCandidates) {
    return;
  }
  note_resident(*record, resident);
  // Until it is asked again and leaves: while it is asked, the amount that stays must not come and go.
  unevictable_ = unevictable_ + Pages{record->stuck_times > 0 ? resident : 0U};
  if (record->stuck_rounds > 0) {
    --record->stuck_rounds;
    if (patient) {
      return;
    }
  }
  const std::uint16_t key = key_of(*record, scan_number_);
  found_[count_++] = {granule.number & ((std::uint64_t{1} << 40) - 1), resident & 0x7FU, huge ? 1U : 0U, key};
  heat_[key / 32] += resident;
}

void Ranking::note_use(GranuleRecord& record, Pages referenced, Pages resident) const {
  const std::uint64_t share =
      127 * std::min(referenced.count, resident.count) / std::max<std::uint64_t>(resident.count, 1);
  record.heat = static_cast<std::uint32_t>(record.heat / 2 + share) & 0xFFU;
  if (share >= kUsedShare) {
    record.born = scan_number_ & kScanMask;
  }
}

// Small keys leave first: eight classes, 32 steps of age in each. The class is how much of it is
// in use where that is known, else how often it came back.
std::uint16_t Ranking::key_of(const GranuleRecord& record, std::uint32_t now) const {
  const std::uint32_t came_back = std::min<std::uint32_t>(record.refaults, 7);
  const std::uint32_t cost = evidence_ ? record.heat >> 5U : came_back;
  const std::uint32_t age = std::min<std::uint32_t>((now - record.born) & kScanMask, 31);
  return static_cast<std::uint16_t>(cost * 32 + (31 - age));
}

bool Ranking::next_is_hot() const {
  Candidate any;
  return evidence_ && peek(any) && sorted_[taken_].key >= kHotKey;
}

bool Ranking::next_is_unused_for(std::uint32_t builds) const {
  Candidate any;
  return builds == 0 || (evidence_ && peek(any) && sorted_[taken_].key <= last_key(builds));
}

Pages Ranking::cold(std::uint32_t builds) const {
  Pages pages;
  for (std::size_t i = taken_; evidence_ && i < count_ && sorted_[i].key <= last_key(builds); ++i) {
    pages = pages + Pages{sorted_[i].resident};
  }
  return pages;
}

// Stable, so that neighbours stay together and leave in one call.
void Ranking::sort() {
  std::uint32_t* starts = starts_;
  std::fill_n(starts, kKeys + 1, 0);
  for (std::size_t i = 0; i < count_; ++i) {
    ++starts[found_[i].key + 1];
  }
  for (std::size_t key = 0; key < kKeys; ++key) {
    starts[key + 1] += starts[key];
  }
  for (std::size_t i = 0; i < count_; ++i) {
    sorted_[starts[found_[i].key]++] = found_[i];
  }
}

bool Ranking::peek(Candidate& out) const {
  if (taken_ >= count_ || used_pages_ >= std::max(kLeastUsed, resident_.count / kMostUsedShare)) {
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
