// use_evidence.cc - read, warm or cool, cut, clear.
#include "reclaim/use_evidence.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#ifndef MADV_COLD
#define MADV_COLD 20
#endif

namespace weir {
namespace {

constexpr std::uint64_t kLeastPauseNs = 20'000'000;
constexpr std::uint64_t kPausesForOne = 20;
constexpr std::size_t kHugePageBytes = 2 * kMiB;
constexpr std::size_t kMostClear = 16 * kMiB;
constexpr std::int64_t kLockWaitNs = 50'000'000;

}  // namespace

// Gathers what may be judged: private anonymous memory that is nobody's special case.
class Witness final : public MappingVisitor {
 public:
  Witness(UseEvidence& evidence, Interlude* between) : evidence_(evidence), between_(between) {}

  void visit(const Mapping& mapping) override {
    constexpr std::size_t kBetween = 32;  // 4 us each
    if (++evidence_.mappings_ % kBetween == 0) {
      breathe(between_);
    }
    if (!mapping.private_anonymous || mapping.fixed || mapping.resident == Pages::none()) {
      return;
    }
    resident_ = resident_ + mapping.resident;
    if (evidence_.count_ < UseEvidence::kMostMappings) {
      // One with the flag that is longer than our chunks got it from the program.
      evidence_.seen_[evidence_.count_++] = {mapping.range, mapping.resident, mapping.referenced, !mapping.random,
                                             mapping.huge};
    }
  }
  [[nodiscard]] Pages resident() const {
    return resident_;
  }

 private:
  UseEvidence& evidence_;
  Interlude* between_;
  Pages resident_;
};

bool UseEvidence::make_buffers(Os& os) {
  if (text_ == nullptr) {
    const MapResult text = os.map_anonymous(kTextBytes);
    text_ = text.ok() ? static_cast<char*>(text.address) : nullptr;
  }
  if (seen_ == nullptr) {
    const MapResult seen = os.map_anonymous(kMostMappings * sizeof(Observation));
    seen_ = seen.ok() ? static_cast<Observation*>(seen.address) : nullptr;
  }
  return text_ != nullptr && seen_ != nullptr;
}

// At most half as many chunks as may be judged, however much there is. Chosen once: which chunks
// are the odd ones depends on it.
void UseEvidence::choose_chunk(Pages resident) {
  if (chunk_ == 0) {
    chunk_ = kLeastChunk;
    while (resident.bytes() / chunk_ > kMostMappings / 2) {
      chunk_ *= 2;
    }
  }
}

bool UseEvidence::is_due(std::uint64_t now_ns) const {
  return now_ns - last_ns_ >= std::max(kLeastPauseNs, took_ns_ * kPausesForOne);
}

void UseEvidence::cut(Os& os, AddressRange range) {
  if (mappings_ >= kMostMappings) {
    return;
  }
  has_cut_.store(true, std::memory_order_relaxed);
  static_cast<void>(os.advise(range.begin, range.bytes(), MADV_RANDOM));
  mappings_ += 2;
}

// Warms or cools the granules of one mapping, and cuts it at the odd chunks that hold something.
void UseEvidence::apply(Os& os, Ranking& ranking, const Observation& seen, For whom) {
  const std::size_t chunk = seen.huge ? std::max(chunk_, kHugePageBytes) : chunk_;
  const bool cuts = seen.may_cut && seen.range.bytes() > chunk;
  std::uintptr_t last_cut = 0;
  for (std::uintptr_t at = seen.range.begin; at < seen.range.end;) {
    const Granule granule = Granule::holding(at);
    std::uintptr_t next = granule.range().end;
    GranuleRecord* record = ranking.map().find(granule, next);
    const bool ranked = record != nullptr && record->present != 0;
    if (ranked && whom == For::kRanking) {
      ranking.note_use(*record, seen.referenced, seen.resident);
    }
    if (ranked || (listener_ != nullptr && listener_->holds(granule))) {
      const std::uintptr_t begin = at / chunk * chunk;
      if (cuts && at / chunk % 2 == 1 && begin != last_cut) {
        last_cut = begin;
        cut(os, {std::max(begin, seen.range.begin), std::min(begin + chunk, seen.range.end)});
      }
    }
    at = listener_ != nullptr ? granule.range().end : next;
  }
}

// Accessed bits of all that was seen, neighbours in one call.
void UseEvidence::clear(Os& os, Interlude* between) {
  AddressRange pending;
  for (std::size_t i = 0; i < count_; ++i) {
    const AddressRange range = seen_[i].range;
    if (range.begin == pending.end && range.end - pending.begin <= kMostClear) {
      pending.end = range.end;
      continue;
    }
    if (pending.end != 0) {
      static_cast<void>(os.advise(pending.begin, pending.bytes(), MADV_COLD));
      breathe(between);
    }
    pending = range;
  }
  if (pending.end != 0) {
    static_cast<void>(os.advise(pending.begin, pending.bytes(), MADV_COLD));
  }
}

int UseEvidence::pass(Os& os, SharedRanking& shared, For whom, Interlude* between) {
  return pass_through(os, shared, whom, smaps_, between);
}

int UseEvidence::pass_here(Os& os, SharedRanking& shared) {
  SmapsFile smaps;
  if (const int error = smaps.open(os); error != 0) {
    return error;
  }
  const int error = pass_through(os, shared, For::kRanking, smaps, nullptr);
  smaps.close(os);
  return error;
}

int UseEvidence::pass_through(Os& os, SharedRanking& shared, For whom, const SmapsFile& smaps, Interlude* between) {
  const std::uint64_t start = os.now_ns();
  last_ns_ = start;
  if (!make_buffers(os)) {
    return ENOMEM;
  }
  count_ = 0;
  mappings_ = 0;
  Witness witness(*this, between);
  const int error = smaps.read(os, text_, kTextBytes, witness);
  if (error != 0) {
    return error;
  }
  choose_chunk(witness.resident());
  {
    const ReclaimGuard guard(os, shared.lock, kLockWaitNs);
    if (!guard.held()) {
      return EBUSY;
    }
    for (std::size_t i = 0; i < count_; ++i) {
      apply(os, shared.ranking, seen_[i], whom);
    }
    if (whom == For::kRanking) {
      shared.ranking.has_evidence(true);
    }
  }
  for (std::size_t i = 0; listener_ != nullptr && i < count_; ++i) {
    listener_->saw_use(seen_[i].range, seen_[i].resident, seen_[i].referenced);
  }
  clear(os, between);
  took_ns_ = os.now_ns() - start;
  return 0;
}

void UseEvidence::mend(Os& os, AddressRange range) {
  if (has_cut_.load(std::memory_order_relaxed) && range.begin < range.end) {
    static_cast<void>(os.advise(range.begin, range.bytes(), MADV_NORMAL));
  }
}

}  // namespace weir
