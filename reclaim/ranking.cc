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
      at = end;
    }
    return true;
  }

  void flush() {
    if (resident_ > 0) {
      ranking_.add(os_, current_, resident_, patient_);
    }
    resident_ = 0;
  }

 private:
  Os& os_;
  Ranking& ranking_;
  AddressRange own_;
  bool patient_;
  Granule current_{0};
  std::uint8_t resident_ = 0;
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

int Ranking::build(Os& os, Pagemap& pagemap, AddressRange own, bool patient) {
  if (!make_arrays(os)) {
    return ENOMEM;
  }
  count_ = 0;
  taken_ = 0;
  resident_ = {};
  unevictable_ = {};
  ++scan_number_;
  const std::uintptr_t start = resume_at_;
  resume_at_ = kWholeAddressSpace.begin;
  RankingVisitor visitor(os, *this, own, patient);
  const int error = pagemap.scan(os, {start, kWholeAddressSpace.end}, visitor);
  visitor.flush();
  sort();
  return error;
}

bool Ranking::note_resident(GranuleRecord& record, std::uint8_t resident) {
  const bool grew = resident > record.resident || record.is_new();
  if (record.evicted > 0 && resident > record.resident) {
    const auto back = static_cast<std::uint8_t>(std::min<int>(record.evicted, resident - record.resident));
    refaults_ += back;
    record.evicted = static_cast<std::uint8_t>(record.evicted - back);
    record.refaults = static_cast<std::uint8_t>(std::min(record.refaults + 1, 15)) & 0xFU;
  }
  if (grew) {
    record.born = scan_number_;
  }
  record.resident = resident;
  return grew;
}

void Ranking::add(Os& os, Granule granule, std::uint8_t resident, bool patient) {
  resident_ = resident_ + Pages{resident};
  GranuleRecord* record = map_.find_or_make(os, granule);
  if (record == nullptr || count_ >= kMostCandidates) {
    return;
  }
  note_resident(*record, resident);
  if (record->stuck_rounds > 0) {
    --record->stuck_rounds;
    unevictable_ = unevictable_ + Pages{resident};
    if (patient) {
      return;
    }
  }
  found_[count_++] = {granule.number & ((std::uint64_t{1} << 40) - 1), resident, key_of(*record, scan_number_)};
}

// Small keys leave first: eight classes of refaults, 32 steps of age in each.
std::uint16_t Ranking::key_of(const GranuleRecord& record, std::uint32_t now) {
  const std::uint32_t refault_class = std::min<std::uint32_t>(record.refaults, 7);
  const std::uint32_t age = std::min<std::uint32_t>(now - record.born, 31);
  return static_cast<std::uint16_t>(refault_class * 32 + (31 - age));
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
  if (taken_ >= count_) {
    return false;
  }
  out = {Granule{sorted_[taken_].granule}, static_cast<std::uint8_t>(sorted_[taken_].resident)};
  return true;
}

bool Ranking::next(Candidate& out) {
  const bool any = peek(out);
  taken_ += any ? 1 : 0;
  return any;
}

std::uint64_t Ranking::take_refaults() {
  const std::uint64_t refaults = refaults_;
  refaults_ = 0;
  return refaults;
}

}  // namespace weir
