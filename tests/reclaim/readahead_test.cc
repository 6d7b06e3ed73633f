// readahead_test.cc - streams of refaults: found, followed both ways, dropped when they are none.
#include "reclaim/readahead.h"

#include <gmock/gmock.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr std::uint32_t kPeriod = 32;
constexpr Pages kMost{512};

class ReadaheadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    machine_.os.touch(0, 4000);
    machine_.engine.pagemap.open(machine_.os);
    static_cast<void>(machine_.os.advise(kHeap, 4000 * kPageBytes, 21));  // all of it is paged out
  }
  static std::uintptr_t page(std::uint64_t number) {
    return kHeap + number * kPageBytes + 123;
  }
  bool note(std::uint64_t number, bool idle = true, int tid = 7) {
    return ahead_.note(machine_.os, tid, page(number), kPeriod, idle);
  }
  ReadaheadOutcome serve() {
    return ahead_.serve(machine_.os, machine_.engine.pagemap, kMost);
  }

  Machine machine_{kMarks};
  Readahead ahead_;
};

TEST_F(ReadaheadTest, ThreeSamplesInOrderMakeAStream) {
  EXPECT_FALSE(note(100));
  EXPECT_FALSE(note(132));
  EXPECT_TRUE(note(164));
  const ReadaheadOutcome outcome = serve();
  EXPECT_EQ(outcome.asked, Readahead::kLeastWindow);
  ASSERT_EQ(machine_.os.wanted_ahead.size(), 1U);
  EXPECT_EQ(machine_.os.wanted_ahead[0].begin, kHeap + 164 * kPageBytes);
}

TEST_F(ReadaheadTest, DownwardsToo) {
  note(1000);
  note(968);
  EXPECT_TRUE(note(936));
  serve();
  ASSERT_EQ(machine_.os.wanted_ahead.size(), 1U);
  EXPECT_EQ(machine_.os.wanted_ahead[0].end, kHeap + 936 * kPageBytes);
}

TEST_F(ReadaheadTest, SamplesHereAndThereAreNoStream) {
  for (const std::uint64_t number : {100, 2000, 132, 3000, 164, 900}) {
    EXPECT_FALSE(note(number));
  }
  EXPECT_FALSE(ahead_.has_wishes());
}

TEST_F(ReadaheadTest, TwoSamplesOfOneFaultDoNotEndAStream) {
  note(100);
  note(132);
  note(132);
  EXPECT_TRUE(note(164));
}

TEST_F(ReadaheadTest, ThreadsAreStreamsOfTheirOwn) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(note(100 + 32 * static_cast<std::uint64_t>(i), true, 1));
    EXPECT_FALSE(note(2000 + 32 * static_cast<std::uint64_t>(i), true, 2));
  }
  EXPECT_TRUE(note(164, true, 1));
  EXPECT_TRUE(note(2064, true, 2));
}

TEST_F(ReadaheadTest, NothingIsAskedTwice) {
  note(100);
  note(132);
  note(164);
  serve();
  EXPECT_FALSE(note(196)) << "most of the window is still ahead";
  EXPECT_FALSE(note(228));
  EXPECT_FALSE(note(260));
  EXPECT_TRUE(note(292)) << "half of it is gone";
  serve();
  ASSERT_EQ(machine_.os.wanted_ahead.size(), 2U);
  EXPECT_EQ(machine_.os.wanted_ahead[1].begin, machine_.os.wanted_ahead[0].end);
}

TEST_F(ReadaheadTest, FreshMemoryIsNoReasonToAsk) {
  machine_.os.drop_all();
  Machine fresh(kMarks);
  fresh.os.touch(0, 10);
  fresh.engine.pagemap.open(fresh.os);
  Readahead ahead;
  for (std::uint64_t number = 0; number < 300; number += 32) {
    ahead.note(fresh.os, 7, page(number), kPeriod, true);
    EXPECT_EQ(ahead.serve(fresh.os, fresh.engine.pagemap, kMost).asked, Pages::none());
  }
  EXPECT_TRUE(fresh.os.wanted_ahead.empty());
}

TEST_F(ReadaheadTest, WhatWasTouchedCountsAsHitsAndWidensTheWindow) {
  note(100);
  note(132);
  note(164);
  serve();
  machine_.os.touch(164, Readahead::kLeastWindow.count);
  note(300);
  note(332);
  note(364);
  note(396);
  note(428);
  const ReadaheadOutcome outcome = serve();
  EXPECT_EQ(outcome.hits, Readahead::kLeastWindow);
  EXPECT_GT(outcome.asked, Readahead::kLeastWindow);
}

TEST_F(ReadaheadTest, ABusyReclaimerIsNotWaitedFor) {
  note(100);
  note(132);
  note(164);
  serve();
  EXPECT_FALSE(note(430, false)) << "past the window: 430 is no dense step from 164";
  note(462, false);
  note(494, false);
  note(526, false);
  EXPECT_GE(machine_.os.wanted_ahead.size(), 2U) << "the thread asked by itself";
}

}  // namespace
}  // namespace weir::testing
