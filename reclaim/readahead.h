// readahead.h - refaults that come in sequence are brought in ahead of the program, by the reclaimer.
//
// Each sample of the fault meter names an address. Samples of one thread that follow each other, up
// or down, make a stream. In a dense one, two pages of three or more, whatever lies ahead and is
// paged out is read; in a sparse one only what its stride will touch, once the pages present between
// two samples have shown that there is a stride (objects of one size, one page of each). Pages are
// read into the swap cache (MADV_WILLNEED), so that the program meets a minor fault. They keep their
// copy in swap: leaving again costs no write, which is why MADV_POPULATE_READ was refused (zram:
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
#include "reclaim/stride.h"

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
  static constexpr std::size_t kStreams = 16;
  static constexpr std::size_t kUnjudged = 4;

  struct Window {
    AddressRange range;
    Stride stride;
    Pages asked;
  };
  // The first part is written by the thread it belongs to (two that share a place spoil each
  // other's stream, no more), the second by the reclaimer.
  struct Stream {
    std::atomic<int> tid{0};
    std::atomic<std::uintptr_t> last{0};
    std::atomic<std::uintptr_t> before{0};  // the sample before the last one
    std::atomic<int> run{0};                // samples in sequence: positive upwards, negative downwards
    std::atomic<bool> is_dense{false};      // the last step was
    std::atomic<bool> wanted{false};

    std::atomic<bool> paged_out{false};     // the last window ahead held pages that were
    std::atomic<std::uintptr_t> stride{0};  // of a sparse one, bytes; 0: none was seen
    std::atomic<std::uintptr_t> edge{0};    // up to here all was asked for; 0: nothing yet
    std::atomic<std::uint64_t> window{kLeastWindow.count};
    Window unjudged[kUnjudged] = {};
    std::size_t next_unjudged = 0;

    [[nodiscard]] bool up() const {
      return run.load(std::memory_order_relaxed) > 0;
    }
    // Its own steps ahead from the last sample. No step: nothing is to be asked for.
    [[nodiscard]] Stride ahead() const;
  };

  static bool note_step(Stream& stream, std::uintptr_t last, std::uintptr_t address, std::uint32_t faults);
  static void ask_here(Os& os, Stream& stream, const Stride& ahead, std::uintptr_t left);
  // There is nothing to read for some way from there.
  static void rest(Stream& stream, AddressRange range);
  static bool learn_stride(Os& os, Pagemap& pagemap, Stream& stream);

  static AddressRange ahead_of(const Stream& stream, const Stride& stride, Pages most);
  static void judge(Os& os, Pagemap& pagemap, Stream& stream, ReadaheadOutcome& outcome);
  static void read_ahead(Os& os, Pagemap& pagemap, Stream& stream, const Stride& stride, AddressRange range,
                         ReadaheadOutcome& outcome);

  std::atomic<bool> wishes_{false};
  Stream streams_[kStreams];
};

}  // namespace weir
