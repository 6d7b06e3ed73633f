// readahead_support.h - a heap that is paged out, and samples of the faults of who walks through it.
#pragma once

#include <gmock/gmock.h>

#include <vector>

#include "reclaim/readahead.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {

inline constexpr std::uint32_t kPeriod = 32;
inline constexpr Pages kMost{512};
inline constexpr Pages kFirstWindow{Readahead::kLeastWindow};

class ReadaheadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    machine_.os.touch(0, 8000);
    machine_.engine.pagemap.open(machine_.os);
    static_cast<void>(machine_.os.advise(kHeap, 8000 * kPageBytes, 21));  // all of it is paged out
  }
  static std::uintptr_t page(std::uint64_t number) {
    return kHeap + number * kPageBytes + 123;
  }
  bool note(std::uint64_t number, int tid = 7) {
    return ahead_.note(machine_.os, tid, page(number), kPeriod);
  }
  ReadaheadOutcome serve() {
    return ahead_.serve(machine_.os, machine_.engine.pagemap, kMost);
  }
  std::vector<AddressRange>& asked() {
    return machine_.os.wanted_ahead;
  }
  static AddressRange pages(std::uint64_t begin, std::uint64_t end) {
    return {kHeap + begin * kPageBytes, kHeap + end * kPageBytes};
  }
  // Three samples, and the reclaimer has seen what lies ahead.
  void begin_stream(std::uint64_t from) {
    note(from);
    note(from + 32);
    EXPECT_TRUE(note(from + 64)) << "the reclaimer is to look";
    EXPECT_TRUE(asked().empty());
    serve();
  }

  Machine machine_{kMarks};
  Readahead ahead_;
};

}  // namespace weir::testing
