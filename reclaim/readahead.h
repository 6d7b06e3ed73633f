// readahead.h - refaults that come in sequence are brought in ahead, before the program gets there.
//
// Each sample of the fault meter names an address. Samples of one thread that follow each other, up
// or down, make a stream. The reclaimer looks whether anything lies paged out ahead of it, and how:
// a dense stream touches two pages of three or more, and every page is read; a sparse one has a
// stride (objects of one size, a page or so of each), which the pages present between two samples
// show, and only what the stride will touch is read. Where what lies between was there already, and no more
// is left paged out than faulted, every page is read, too.
//
// A heap is walked piece by piece, and the pieces may lie in any order; objects of several sizes that were made
// together lie side by side, and are met in almost the order of their addresses. So a stream that leaves its way is
// taken to go on elsewhere, in the same direction, without waiting for two more samples; not twice in a row.
//
// The thread itself then asks, at each sample, for what comes next: into the swap cache
// (MADV_WILLNEED), so that it meets minor faults. From zram that costs it as much as the faults
// would, but pages in the swap cache keep their copy in swap and leave again without a write, which
// is why MADV_POPULATE_READ was refused (2.9 us a page there and back, against 8.9); from a disk
// the call does not wait. That the reclaimer asks was refused: where it meets the thread's own
// fault, one of the two sleeps for a tick (mm/swap_state.c: __read_swap_cache_async), and of
// `dd | tail` at 16 MiB it slept half the time. The window follows its hits, as the kernel's file
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
  Pages asked;  // what a stream was expected to need, and has passed by now
  Pages hits;   // of these, what was there
};

class Readahead {
 public:
  // In steps: pages of a dense stream, objects of a sparse one.
  static constexpr std::uint64_t kLeastWindow = 64;
  static constexpr std::uint64_t kMostWindow = 512;

  // A sample at `address` in thread `tid`, `faults` after the last one. True when the reclaimer has something to do.
  bool note(Os& os, int tid, std::uintptr_t address, std::uint32_t faults);
  [[nodiscard]] bool has_wishes() const {
    return wishes_.load(std::memory_order_relaxed);
  }
  // Judges what was asked for, and looks what lies ahead of streams; `most` is for the window, in pages.
  ReadaheadOutcome serve(Os& os, Pagemap& pagemap, Pages most);

 private:
  static constexpr std::size_t kStreams = 16;

  // What was asked for and is not judged yet, one step after the other from an origin. The thread
  // begins it anew only when all of it is judged.
  struct Asked {
    std::atomic<std::uintptr_t> origin{0};
    std::atomic<std::uintptr_t> step{kPageBytes};
    std::atomic<bool> up{true};
    std::atomic<std::uint64_t> count{0};   // the thread's
    std::atomic<std::uint64_t> judged{0};  // the reclaimer's
    std::atomic<bool> closed{false};       // the stream went on elsewhere

    [[nodiscard]] Stride stride() const;
  };
  // The first part is written by the thread it belongs to (two that share a place spoil each
  // other's stream, no more), the second by the reclaimer.
  struct Stream {
    std::atomic<int> tid{0};
    std::atomic<std::uintptr_t> last{0};
    std::atomic<std::uintptr_t> before{0};  // the sample before the last one
    std::atomic<int> run{0};                // samples in sequence: positive upwards, negative downwards
    std::atomic<bool> is_dense{false};      // the last step was
    std::atomic<bool> trusted{false};       // it has gone on since it last left its way
    std::atomic<std::uint32_t> faults{0};   // of the last step
    std::atomic<bool> wanted{false};
    std::atomic<std::uintptr_t> edge{0};  // up to here all was asked for, or there was nothing; 0: nothing yet
    Asked asked;

    std::atomic<bool> paged_out{false};     // something ahead of it is
    std::atomic<std::uintptr_t> stride{0};  // of a sparse one, bytes; 0: none was seen
    std::atomic<std::uint64_t> window{kLeastWindow};

    [[nodiscard]] bool up() const {
      return run.load(std::memory_order_relaxed) > 0;
    }
    // Its own steps ahead from the last sample. No step: it is sparse, without a stride.
    [[nodiscard]] Stride ahead() const;
  };

  static bool goes_on_elsewhere(Stream& stream, std::uintptr_t address);
  static bool note_step(Stream& stream, std::uintptr_t last, std::uintptr_t address, std::uint32_t faults);
  static void ask(Os& os, Stream& stream, const Stride& ahead, std::uintptr_t left);
  static void note_asked(Asked& asked, const Stride& ahead, Stride::Numbers numbers);
  [[nodiscard]] static bool is_due(const Stream& stream);
  [[nodiscard]] static std::uint64_t passed(const Stream& stream);

  static void judge(Os& os, Pagemap& pagemap, Stream& stream, Pages most, ReadaheadOutcome& outcome);
  static std::uintptr_t step_of_all(Os& os, Pagemap& pagemap, const Stream& stream);
  static void look_ahead(Os& os, Pagemap& pagemap, Stream& stream);

  std::atomic<bool> wishes_{false};
  Stream streams_[kStreams];
};

}  // namespace weir
