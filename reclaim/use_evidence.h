// use_evidence.h - which memory was used since the last look, reads included, without privileges.
//
// The kernel counts accessed pages for each mapping (smaps.h), so the mappings are made small:
// every other chunk of the heap is given MADV_RANDOM, a flag without meaning for anonymous memory
// that keeps neighbours from being merged. A pass reads the counts, warms or cools the granules,
// and clears the accessed bits with MADV_COLD, which holds the mmap lock for reading only.
//
// Measured (64 MiB, 256 KiB chunks): 1.1 ms to read, 0.6 ms to clear, 0.4 ms once to cut. Refused:
// clear_refs, which holds the mmap lock for writing; chunks of one granule, whose text costs four
// times as much; a few pages evicted first as canaries, which cost a page-out and a fault each
// and know nothing of the other pages; write tracking by userfaultfd, which sees no reads.
//
// Only while pages come back (a pass costs 2 to 3 % of what evicting that memory would). Mappings
// are never cut where mremap would meet the cut: the program's calls undo it first.
//
// One thread at a time: the reclaimer, or who holds the engine's lock for it.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/os.h"
#include "reclaim/evictor.h"
#include "reclaim/smaps.h"

namespace weir {

// Who is told what was seen in use, beside the ranking: the recorder.
class UseListener {
 public:
  virtual void saw_use(AddressRange range, Pages resident, Pages referenced) = 0;
  // Whether it knows of pages there: such memory is cut, too.
  [[nodiscard]] virtual bool holds(Granule granule) const = 0;

 protected:
  ~UseListener() = default;
};

class UseEvidence {
 public:
  // Whom a pass is for: with kListener the ranking learns nothing of it.
  enum class For { kRanking, kListener };

  static constexpr std::size_t kLeastChunk = 256 * kKiB;
  static constexpr std::size_t kMostMappings = 4096;

  int open(Os& os) {
    return smaps_.open(os);
  }
  void forget() {
    smaps_.forget();
  }
  // Whether a pass is worth it: a twentieth of the time since the last one would pay for it.
  [[nodiscard]] bool is_due(std::uint64_t now_ns) const;
  // One pass, into the granule records of `shared`; takes its lock. 0 or an errno. It lasts ten milliseconds
  // where memory is large: `between` is for its steps, null for nobody.
  int pass(Os& os, SharedRanking& shared, For whom = For::kRanking, Interlude* between = nullptr);
  // The same by a thread of the program, through a descriptor of its own and without interludes.
  int pass_here(Os& os, SharedRanking& shared);
  void set_listener(UseListener* listener) {
    listener_ = listener;
  }
  [[nodiscard]] std::uint64_t last_ns() const {
    return last_ns_;
  }

  // The program is about to call mremap on this range, which fails across mappings.
  void mend(Os& os, AddressRange range);

 private:
  friend class Witness;
  struct Observation {
    AddressRange range;
    Pages resident;
    Pages referenced;
    bool may_cut = false;
    bool huge = false;
  };
  static constexpr std::size_t kTextBytes = 65536;

  int pass_through(Os& os, SharedRanking& shared, For whom, const SmapsFile& smaps, Interlude* between);
  bool make_buffers(Os& os);
  void choose_chunk(Pages resident);
  void apply(Os& os, Ranking& ranking, const Observation& seen, For whom);
  void cut(Os& os, AddressRange range);
  void clear(Os& os, Interlude* between);

  SmapsFile smaps_;
  UseListener* listener_ = nullptr;
  char* text_ = nullptr;
  Observation* seen_ = nullptr;
  std::size_t count_ = 0;
  std::size_t mappings_ = 0;
  std::size_t chunk_ = 0;
  std::uint64_t last_ns_ = 0;
  std::uint64_t took_ns_ = 0;
  std::atomic<bool> has_cut_{false};
};

}  // namespace weir
