// readahead_test.cc - streams of refaults: found, followed both ways, dropped when they are none.
#include "reclaim/readahead.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

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
  EXPECT_FALSE(note(800, false)) << "past the window, and too far for one stream";
  note(832, false);
  note(864, false);
  note(896, false);
  EXPECT_GE(machine_.os.wanted_ahead.size(), 2U) << "the thread asked by itself";
}

// Objects of 10 KiB of which each has one page touched: two pages in five.
class StrideTest : public ReadaheadTest {
 protected:
  static constexpr std::uintptr_t kObject = 10240;
  static std::uintptr_t object(std::uint64_t number) {
    return kHeap + number * kObject + 8192;
  }
  static std::uint64_t page_of_object(std::uint64_t number) {
    return (object(number) - kHeap) / kPageBytes;
  }
  bool note_object(std::uint64_t number, bool idle = true) {
    return ahead_.note(machine_.os, 7, object(number), kPeriod, idle);
  }
  void touch_objects(std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t number = first; number < end; ++number) {
      machine_.os.touch(page_of_object(number), 1);
    }
  }
  // The object whose page each call of the outcome names, in order.
  std::vector<std::uintptr_t> asked() const {
    std::vector<std::uintptr_t> pages;
    for (const AddressRange& range : machine_.os.wanted_ahead) {
      EXPECT_EQ(range.bytes(), kPageBytes);
      pages.push_back((range.begin - kHeap) / kPageBytes);
    }
    return pages;
  }
  void begin_stream() {
    touch_objects(0, 65);
    note_object(0);
    note_object(32);
    EXPECT_TRUE(note_object(64));
  }
};

TEST_F(StrideTest, OnlyWhatTheStrideTouchesIsRead) {
  begin_stream();
  const ReadaheadOutcome outcome = serve();
  EXPECT_EQ(outcome.asked, Readahead::kLeastWindow - Pages{1}) << "the last sample's own page is there";
  const std::vector<std::uintptr_t> pages = asked();
  ASSERT_EQ(pages.size(), outcome.asked.count);
  for (std::size_t i = 0; i < pages.size(); ++i) {
    EXPECT_EQ(pages[i], page_of_object(65 + i));
  }
}

TEST_F(StrideTest, DownwardsToo) {
  touch_objects(1000, 1065);
  note_object(1064);
  note_object(1032);
  EXPECT_TRUE(note_object(1000));
  EXPECT_EQ(serve().asked, Readahead::kLeastWindow);
  std::vector<std::uintptr_t> pages = asked();
  std::sort(pages.begin(), pages.end());
  EXPECT_EQ(pages.back(), page_of_object(999));
  EXPECT_EQ(pages[pages.size() - 2], page_of_object(998));
}

TEST_F(StrideTest, PagesHereAndThereAreNoStride) {
  for (const std::uint64_t number : {0, 3, 4, 9, 11, 12, 13, 30, 31, 33, 50, 61, 64}) {
    touch_objects(number, number + 1);
  }
  note_object(0);
  note_object(32);
  EXPECT_TRUE(note_object(64));
  EXPECT_EQ(serve().asked, Pages::none());
  EXPECT_FALSE(note_object(96)) << "not tried again at once";
}

TEST_F(StrideTest, HitsAreThoseOfItsPages) {
  begin_stream();
  const Pages asked = serve().asked;
  touch_objects(65, 320);
  for (std::uint64_t number = 96; number <= 352; number += 32) {
    note_object(number);
  }
  EXPECT_EQ(serve().hits, asked);
}

TEST_F(StrideTest, AnotherEventsSampleDoesNotMakeItDense) {
  begin_stream();
  serve();
  touch_objects(65, 400);
  note_object(72);
  for (std::uint64_t number = 104; number < 300; number += 32) {
    note_object(number);
  }
  serve();
  for (const AddressRange& range : machine_.os.wanted_ahead) {
    EXPECT_EQ(range.bytes(), kPageBytes);
  }
}

TEST_F(StrideTest, ABusyReclaimerIsNotWaitedFor) {
  begin_stream();
  serve();
  machine_.os.wanted_ahead.clear();
  touch_objects(65, 321);
  for (std::uint64_t number = 96; number < 320; number += 32) {
    note_object(number, false);
  }
  ASSERT_FALSE(machine_.os.wanted_ahead.empty()) << "the thread asked by itself";
  EXPECT_EQ(asked().front(), page_of_object(320)) << "from where the reclaimer had come to";
}

}  // namespace
}  // namespace weir::testing
