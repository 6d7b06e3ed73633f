// readahead_test.cc - streams of refaults: found, followed both ways, judged, dropped when they are none.
#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

#include "tests/reclaim/readahead_support.h"

namespace weir::testing {
namespace {

TEST_F(ReadaheadTest, ThreeSamplesInOrderMakeAStreamAndTheThreadAsksAhead) {
  begin_stream(100);
  EXPECT_FALSE(note(196));
  EXPECT_THAT(asked(), ::testing::ElementsAre(pages(197, 197 + kFirstWindow.count)));
}

TEST_F(ReadaheadTest, DownwardsToo) {
  note(1000);
  note(968);
  EXPECT_TRUE(note(936));
  serve();
  note(904);
  EXPECT_THAT(asked(), ::testing::ElementsAre(pages(904 - kFirstWindow.count, 904)));
}

TEST_F(ReadaheadTest, SamplesHereAndThereAreNoStream) {
  for (const std::uint64_t number : {100U, 2000U, 132U, 3000U, 164U, 900U}) {
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
    EXPECT_FALSE(note(100 + 32 * static_cast<std::uint64_t>(i), 1));
    EXPECT_FALSE(note(2000 + 32 * static_cast<std::uint64_t>(i), 2));
  }
  EXPECT_TRUE(note(164, 1));
  EXPECT_TRUE(note(2064, 2));
}

TEST_F(ReadaheadTest, NothingIsAskedTwice) {
  begin_stream(100);
  for (std::uint64_t number = 196; number < 600; number += 32) {
    note(number);
  }
  ASSERT_GE(asked().size(), 3U);
  for (std::size_t i = 1; i < asked().size(); ++i) {
    EXPECT_EQ(asked()[i].begin, asked()[i - 1].end);
  }
}

TEST_F(ReadaheadTest, FreshMemoryIsNoReasonToAsk) {
  Machine fresh(kMarks);
  fresh.os.touch(0, 10);
  fresh.engine.pagemap.open(fresh.os);
  Readahead ahead;
  int looks = 0;
  for (std::uint64_t number = 0; number < 3000; number += 32) {
    looks += ahead.note(fresh.os, 7, page(number), kPeriod) ? 1 : 0;
    EXPECT_EQ(ahead.serve(fresh.os, fresh.engine.pagemap, kMost).asked, Pages::none());
  }
  EXPECT_TRUE(fresh.os.wanted_ahead.empty());
  EXPECT_LE(looks, 3) << "once every 4 MiB is enough";
}

TEST_F(ReadaheadTest, WhatWasTouchedCountsAsHitsAndWidensTheWindow) {
  begin_stream(100);
  bool due = false;
  std::uint64_t number = 196;
  for (; !due; number += 32) {
    due = note(number);
    machine_.os.touch(number, 32);
    ASSERT_LT(number, 1000U) << "judged in the end";
  }
  const ReadaheadOutcome outcome = serve();
  EXPECT_GE(outcome.asked, Pages{256});
  EXPECT_EQ(outcome.hits, outcome.asked);
  asked().clear();
  for (; asked().empty(); number += 32) {
    note(number);
  }
  EXPECT_EQ(asked()[0].pages(), Pages{2 * kFirstWindow.count});
}

TEST_F(ReadaheadTest, WhatWasNotTouchedNarrowsIt) {
  begin_stream(100);
  std::uint64_t number = 196;
  while (!note(number)) {
    number += 32;
  }
  const ReadaheadOutcome outcome = serve();
  EXPECT_EQ(outcome.hits, Pages::none());
  asked().clear();
  for (number += 32; asked().empty(); number += 32) {
    note(number);
  }
  EXPECT_EQ(asked()[0].pages(), Pages{kFirstWindow.count / 2});
}

TEST_F(ReadaheadTest, WhereItEndsNoMoreIsAskedFor) {
  machine_.os.touch(1000, 7000);  // from there on all is present
  begin_stream(100);
  for (std::uint64_t number = 196; number < 3000; number += 32) {
    if (note(number)) {
      serve();
    }
  }
  for (const AddressRange& range : asked()) {
    EXPECT_LT(range.begin, kHeap + (1000 + 512) * kPageBytes);
  }
}

TEST_F(ReadaheadTest, AnotherPlaceIsCountedOnceTheFirstIsJudged) {
  begin_stream(100);
  note(196);  // asks
  note(5000);
  note(5032);
  EXPECT_TRUE(note(5064)) << "asks again, and the first is to be judged";
  EXPECT_EQ(serve().asked, kFirstWindow);
  note(5096);
  note(5128);
  EXPECT_EQ(asked().back().begin, kHeap + 5129 * kPageBytes);
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
  bool note_object(std::uint64_t number) {
    return ahead_.note(machine_.os, 7, object(number), kPeriod);
  }
  void touch_objects(std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t number = first; number < end; ++number) {
      machine_.os.touch(page_of_object(number), 1);
    }
  }
  // The pages that were asked for, one by one.
  std::vector<std::uint64_t> asked_pages() {
    std::vector<std::uint64_t> found;
    for (const AddressRange& range : asked()) {
      EXPECT_EQ(range.bytes(), kPageBytes);
      found.push_back((range.begin - kHeap) / kPageBytes);
    }
    return found;
  }
  void begin_stride() {
    touch_objects(0, 65);
    note_object(0);
    note_object(32);
    EXPECT_TRUE(note_object(64));
    serve();
    touch_objects(65, 97);
    note_object(96);
  }
};

TEST_F(StrideTest, OnlyWhatTheStrideTouchesIsRead) {
  begin_stride();
  const std::vector<std::uint64_t> found = asked_pages();
  ASSERT_EQ(found.size(), kFirstWindow.count);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], page_of_object(97 + i));
  }
}

TEST_F(StrideTest, DownwardsToo) {
  touch_objects(1000, 1065);
  note_object(1064);
  note_object(1032);
  EXPECT_TRUE(note_object(1000));
  serve();
  note_object(968);
  const std::vector<std::uint64_t> found = asked_pages();
  ASSERT_EQ(found.size(), kFirstWindow.count);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], page_of_object(967 - i));
  }
}

TEST_F(StrideTest, ItGoesOnWhereItEnded) {
  begin_stride();
  for (std::uint64_t number = 128; number < 320; number += 32) {
    note_object(number);
  }
  const std::vector<std::uint64_t> found = asked_pages();
  ASSERT_GT(found.size(), 2 * kFirstWindow.count);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], page_of_object(97 + i));
  }
}

TEST_F(StrideTest, PagesHereAndThereAreNoStride) {
  for (const std::uint64_t number : {0U, 3U, 4U, 9U, 11U, 12U, 13U, 30U, 31U, 33U, 50U, 61U, 64U}) {
    touch_objects(number, number + 1);
  }
  note_object(0);
  note_object(32);
  EXPECT_TRUE(note_object(64));
  serve();
  EXPECT_FALSE(note_object(96)) << "not tried again at once";
  EXPECT_TRUE(asked().empty());
}

TEST_F(StrideTest, HitsAreThoseOfItsPages) {
  begin_stride();
  touch_objects(97, 600);
  std::uint64_t number = 128;
  while (!note_object(number)) {
    number += 32;
    ASSERT_LT(number, 600U);
  }
  const ReadaheadOutcome outcome = serve();
  EXPECT_GE(outcome.asked, Pages{256});
  EXPECT_EQ(outcome.hits, outcome.asked);
}

TEST_F(StrideTest, AnotherEventsSampleDoesNotMakeItDense) {
  begin_stride();
  touch_objects(97, 600);
  note_object(104);
  for (std::uint64_t number = 136; number < 400; number += 32) {
    note_object(number);
  }
  EXPECT_GT(asked_pages().size(), kFirstWindow.count) << "each of them a single page";
}

}  // namespace
}  // namespace weir::testing
