// spared_pages_test.cc - single pages that stay when the rest of their granule leaves.
#include <gmock/gmock.h>

#include "reclaim/evictor.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

TEST(PageSetTest, IsWhatARangeCoversOfItsGranule) {
  EXPECT_EQ(pages_inside({kHeap, kHeap + kGranuleBytes}), 0xFFFF);
  EXPECT_EQ(pages_inside({kHeap + 4 * kPageBytes, kHeap + 6 * kPageBytes}), 0x0030);
  EXPECT_EQ(pages_inside({kHeap, kHeap}), 0);
  EXPECT_EQ(size_of(0x0130), 3);
  EXPECT_EQ(without(0xFFFF, 0x0FF0), 0xF00F);
}

TEST(PageCreditsTest, AreTakenOneByOneAndPageByPage) {
  PageCredits credits;
  EXPECT_EQ(credits.any(), 0);
  credits.grant(0x0003);
  credits.take(0x0001);
  credits.grant(0x0100);
  credits.take(0x0101);
  credits.take(0x0101);
  EXPECT_EQ(credits.any(), 0x0102);
  credits.take(0x0102);
  EXPECT_EQ(credits.any(), 0x0002);
  credits.take(0x0002);
  credits.take(0x0002);
  EXPECT_EQ(credits.any(), 0);
}

class SparedPagesTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kPages = 64;

  SparedPagesTest() {
    pagemap_.open(os_);
    os_.touch(0, kPages);
    build();
  }
  void build(bool patient = true) {
    ASSERT_EQ(shared_.ranking.build(os_, pagemap_, {}, patient), 0);
  }
  EvictOutcome evict_all() {
    return evict(os_, pagemap_, shared_, Pages{kPages});
  }
  // All leaves, so much more than that leaves meanwhile, and two pages are back.
  void come_back_after(std::uint64_t evicted) {
    EXPECT_EQ(evict_all().done, Pages{kPages});
    shared_.ranking.set_clock(evicted);
    os_.touch(20, 2);
    build();
    shared_.ranking.set_clock(0);
  }

  MachineOs os_;
  ScanBuffer buffer_;
  Pagemap pagemap_{buffer_};
  SharedRanking shared_;
};

TEST_F(SparedPagesTest, WhatCameBackSoonIsPassedOverThreeTimes) {
  come_back_after(0);
  for (int turn = 0; turn < 3; ++turn) {
    const EvictOutcome outcome = evict_all();
    EXPECT_EQ(os_.resident(), 2U) << turn;
    EXPECT_EQ(outcome.requested, Pages::none());
    EXPECT_EQ(outcome.stayed_total(), Pages::none()) << "nobody asked them";
    build();
  }
  EXPECT_EQ(evict_all().done, Pages{2});
  EXPECT_EQ(os_.resident(), 0U);
}

TEST_F(SparedPagesTest, TheOthersOfTheirGranuleLeave) {
  come_back_after(0);
  os_.touch(100, 1);  // far away, and new
  os_.touch(16, 1);
  shared_.ranking.set_clock(kPages * 4);  // it comes back late
  build();
  shared_.ranking.set_clock(0);
  EXPECT_EQ(evict_all().done, Pages{2});
  EXPECT_TRUE(os_.is_resident(20) && os_.is_resident(21));
}

TEST_F(SparedPagesTest, WhatCameBackLateIsNot) {
  come_back_after(kPages * 2);
  EXPECT_EQ(evict_all().done, Pages{2});
}

TEST_F(SparedPagesTest, NorInTheLastRounds) {
  come_back_after(0);
  build(false);
  EXPECT_EQ(evict_all().done, Pages{2});
}

TEST_F(SparedPagesTest, NorInAHugePageWhichThatWouldSplit) {
  come_back_after(0);
  os_.huge_pages = true;
  EXPECT_EQ(evict_all().done, Pages{2});
}

TEST_F(SparedPagesTest, NorIsAGranuleTakenForOneThatWouldNotLeave) {
  come_back_after(0);
  EXPECT_EQ(evict_all().done, Pages::none());
  EXPECT_EQ(shared_.ranking.map().find_or_make(os_, Granule::holding(kHeap + 20 * kPageBytes))->stuck_times, 0);
}

TEST_F(SparedPagesTest, WhatTheProgramGivesUpMeanwhileWasNotPagedOut) {
  come_back_after(0);
  os_.touch(16, 1);
  shared_.ranking.set_clock(kPages * 4);
  build();
  os_.interleave(Call::kAdvise, [this] { os_.free_pages(0, kPages); });
  const EvictOutcome outcome = evict_all();
  EXPECT_EQ(os_.resident(), 0U);
  EXPECT_EQ(outcome.requested, Pages{1});
  EXPECT_EQ(outcome.done, Pages{1}) << "not the two that were to stay";
}

}  // namespace
}  // namespace weir::testing
