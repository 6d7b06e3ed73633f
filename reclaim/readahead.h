// readahead.h - refaults that come in sequence are brought in ahead of the program, by the reclaimer.
//
// Each sample of the fault meter names an address. Samples of one thread that follow each other
// densely, up or down, make a stream; what lies ahead of it and is paged out is read into the
// swap cache (MADV_WILLNEED), so that the program meets a minor fault. The pages keep their copy
// in swap: leaving again costs no write, which is why MADV_POPULATE_READ was refused (zram:
// 2.9 us a page there and back, against 8.9). The window follows its hits, as the kernel's file
// readahead does (mm/readahead.c).
//
// note() is safe in signal handlers and from any thread; serve() is the reclaimer's.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/os.h"
#include "core/units.h"
#include "reclaim/pagemap.h"

namespace weir {

struct ReadaheadOutcome {
  Pages asked;  // paged out, and now on their way
  Pages hits;   // of earlier ones: found mapped when the stream had passed them
};

class Readahead {
 public:
  static constexpr Pages kLeastWindow{256};
  static constexpr Pages kMostWindow{1024};

  // A sample at `address` in thread `tid`, `faults` after the last one. True when the reclaimer has something to do.
  // When it has other work, what comes next is asked for here: even so that is cheaper than to fault it in, and it
  // leaves without a write again.
  bool note(Os& os, int tid, std::uintptr_t address, std::uint32_t faults, bool reclaimer_idle);
  [[nodiscard]] bool has_wishes() const {
    return wishes_.load(std::memory_order_relaxed);
  }
  // Reads ahead what was noted, for each stream at most `most` pages from where it is.
  ReadaheadOutcome serve(Os& os, Pagemap& pagemap, Pages most);

 private:
  static constexpr Pages kHere{256};
  static constexpr std::size_t kStreams = 16;
  static constexpr std::size_t kUnjudged = 4;

  struct Window {
    AddressRange range;
    Pages asked;
  };
  // The first part is written by the thread it belongs to (two that share a place spoil each
  // other's stream, no more), the second by the reclaimer.
  struct Stream {
    std::atomic<int> tid{0};
    std::atomic<std::uintptr_t> last{0};
    std::atomic<int> run{0};  // samples in sequence: positive upwards, negative downwards
    std::atomic<bool> wanted{false};
    std::atomic<bool> paged_out{false};  // the last window ahead held pages that were

    std::atomic<std::uintptr_t> edge{0};  // up to here all was asked for; 0: nothing yet
    std::atomic<std::uint64_t> window{kLeastWindow.count};
    Window unjudged[kUnjudged] = {};
    std::size_t next_unjudged = 0;
  };

  static void ask_here(Os& os, Stream& stream, std::uintptr_t address, bool up);

  static AddressRange ahead_of(const Stream& stream, Pages most);
  static void judge(Os& os, Pagemap& pagemap, Stream& stream, ReadaheadOutcome& outcome);
  static void read_ahead(Os& os, Pagemap& pagemap, Stream& stream, AddressRange range, ReadaheadOutcome& outcome);

  std::atomic<bool> wishes_{false};
  Stream streams_[kStreams];
};

}  // namespace weir
