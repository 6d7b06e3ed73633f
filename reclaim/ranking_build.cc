// ranking_build.cc - one scan, one counting sort.
#include <algorithm>
#include <cerrno>

#include "reclaim/ranking.h"

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
      present_ = static_cast<PageSet>(present_ | (is_own ? 0 : pages_inside({at, end})));
      huge_ = huge_ || run.huge;
      at = end;
    }
    return true;
  }

  void flush() {
    if (present_ != 0 && ranking_.filter_.takes(current_)) {
      ranking_.add(os_, current_, present_, huge_, patient_);
    }
    present_ = 0;
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
  PageSet present_ = 0;
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
  patient_ = patient;
  const std::uint32_t clock = clock_.load(std::memory_order_relaxed);
  const std::uintptr_t start = is_for(filter) ? resume_at_ : kWholeAddressSpace.begin;
  filter_ = filter;
  if (filter.owners == nullptr) {
    recency_.turn(held > Pages::none() ? held : found_in_all_);
  }
  early_ = evidence_ && filter.owners == nullptr && recency_.leaves_early();
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
  if (filter.owners == nullptr) {
    found_in_all_ = resident_;
  }
  sort();
  return error;
}

void Ranking::add(Os& os, Granule granule, PageSet present, bool huge, bool patient) {
  const std::uint8_t resident = size_of(present);
  resident_ = resident_ + Pages{resident};
  GranuleRecord* record = map_.find_or_make(os, granule);
  if (record == nullptr || count_ >= kMostCandidates) {
    return;
  }
  note_resident(*record, present);
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

}  // namespace weir
