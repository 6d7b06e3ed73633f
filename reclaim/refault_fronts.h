// refault_fronts.h - how far streams of refaults have come, where no sample tells of them.
//
// Without perf nobody names the address of a fault. But what a scan finds in a range that was gone
// has come back since, and much of that close together is the trace of a stream: its front is where
// the trace ends. From then on a look at each front shows how far it has moved, and the thread that
// is poked next asks for as much as was touched since the last look, from the front on, into the
// swap cache (readahead.h says why there, and why the thread). Pages touched here and there lie too
// far apart for a trace, and sparse streams are left alone.
//
// note(), end_of_scan() and follow() need the ranking's lock; ask() is for every thread and safe in
// signal handlers.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/os.h"
#include "core/units.h"
#include "reclaim/pagemap.h"
#include "reclaim/readahead.h"

namespace weir {

class RefaultFronts {
 public:
  static constexpr std::size_t kMost = 8;
  // So much is no accident, with no more than that between two pages of it.
  static constexpr std::size_t kLeastBytes = 16 * kPageBytes;
  static constexpr std::size_t kMostGap = 16 * kPageBytes;
  // No stream is expected to come further between two looks.
  static constexpr std::size_t kReach = 8 * kMiB;
  // What moves by less between two looks is no stream that a thread could be ahead of.
  static constexpr Pages kLeastMove{64};
  // Looks in a row without a move, after which a front is forgotten.
  static constexpr int kPatience = 16;

  // Found by a scan, in order of address: `range` is present, of which so many bytes were known to be gone.
  void note(AddressRange range, std::size_t back);
  void end_of_scan();
  // Looks how far each has moved, asks for `most` pages at most ahead of it, and calls `moved` with
  // where it went. Gives what came of what was asked before.
  template <typename Moved>
  ReadaheadOutcome follow(Os& os, Pagemap& pagemap, Pages most, Moved moved) {
    ReadaheadOutcome outcome;
    for (std::size_t i = 0; i < kMost; ++i) {
      if (const AddressRange way = follow_one(os, pagemap, i, most, outcome); way.bytes() > 0) {
        moved(way);
      }
    }
    return outcome;
  }

  // Asks for what lies ahead of the fronts that have moved since anybody asked.
  void ask(Os& os);

 private:
  enum class Way : std::uint8_t { kUnknown, kUp, kDown };
  struct Front {
    AddressRange present;  // empty: no front
    Way way = Way::kUnknown;
    int still = 0;       // looks since it moved
    AddressRange ahead;  // what was to be asked for when it had
  };
  // A range to ask for: its first page's number, and how many, in one word that is taken at once. 0: none.
  using Wish = std::atomic<std::uint64_t>;
  static constexpr unsigned kCountBits = 16;
  static constexpr std::uint64_t kMostWished = kReach / kPageBytes;
  static_assert(kMostWished < (std::uint64_t{1} << kCountBits));
  struct Step;

  static Step step_up(Os& os, Pagemap& pagemap, std::uintptr_t from);
  static Step step_down(Os& os, Pagemap& pagemap, std::uintptr_t from);
  AddressRange follow_one(Os& os, Pagemap& pagemap, std::size_t number, Pages most, ReadaheadOutcome& outcome);
  void judge(std::size_t number, const Step& step, ReadaheadOutcome& outcome);
  void wish(std::size_t number, const Step& step, Pages most);

  std::array<Front, kMost> fronts_{};
  std::array<Wish, kMost> wishes_{};
  AddressRange trace_;  // of the scan that is under way
  std::size_t trace_back_ = 0;
};

}  // namespace weir
