// recency_test.cc - when what was used of late should leave before what is older: loops, and nothing else.
#include "reclaim/recency.h"

#include <gtest/gtest.h>

#include <random>

#include "reclaim/evictor.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr Pages kMemory{8000};

class RecencyTest : public ::testing::Test {
 protected:
  RecencyTest() {
    pass_time(100000);  // nothing is older than time
  }
  // Pages come back that were used so long ago; time stands still.
  void come_back(std::uint64_t ago, std::uint64_t pages) {
    std::uint32_t used_at = now_ - static_cast<std::uint32_t>(ago);
    recency_.note_arrival(used_at, Pages::none(), Pages{pages});
  }
  void pass_time(std::uint32_t pages) {
    recency_.note_arrival(now_, Pages{pages}, Pages::none());
    recency_.turn(kMemory);
  }

  Recency recency_;
  std::uint32_t now_ = 0;
};

TEST_F(RecencyTest, ALoopJustBeyondMemoryLeavesEarly) {
  come_back(10000, 4000);
  pass_time(4000);
  EXPECT_TRUE(recency_.leaves_early());
}

TEST_F(RecencyTest, ALoopThatFitsDoesNot) {
  come_back(7000, 4000);
  pass_time(4000);
  EXPECT_FALSE(recency_.leaves_early());
}

TEST_F(RecencyTest, WhatNoChoiceCouldKeepDoesNot) {
  come_back(4 * kMemory.count, 100000);
  pass_time(4000);
  EXPECT_FALSE(recency_.leaves_early());
}

TEST_F(RecencyTest, FewUsesProveNothing) {
  come_back(10000, 1000);
  pass_time(4000);
  EXPECT_FALSE(recency_.leaves_early());
}

TEST_F(RecencyTest, UseAtRandomDoesNot) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::uint64_t> ago(0, 2 * kMemory.count);
  for (int turn = 0; turn < 100; ++turn) {
    for (int i = 0; i < 500; ++i) {
      come_back(ago(random), 1);
    }
    pass_time(500);
    ASSERT_FALSE(recency_.leaves_early()) << turn;
  }
}

TEST_F(RecencyTest, ALoopBesideWhatIsOftenUsedDoesNotLongerThanItPays) {
  come_back(10000, 4000);
  pass_time(1000);
  ASSERT_TRUE(recency_.leaves_early());
  come_back(4000, 2000);
  pass_time(1000);
  EXPECT_TRUE(recency_.leaves_early()) << "6000 * 7/10, and 2000";
  come_back(4000, 4000);
  pass_time(1000);
  EXPECT_FALSE(recency_.leaves_early()) << "10000 * 7/10, and 6000";
}

TEST_F(RecencyTest, ALoopThatIsOverIsForgotten) {
  come_back(10000, 8000);
  pass_time(4000);
  ASSERT_TRUE(recency_.leaves_early());
  for (int turn = 0; turn < 20; ++turn) {
    pass_time(4000);
  }
  EXPECT_FALSE(recency_.leaves_early());
}

TEST_F(RecencyTest, WhatIsThereAndUsedCountsAsWell) {
  std::uint32_t used_at = now_ - 10000;
  recency_.note_use(used_at, Pages{4000});
  EXPECT_EQ(used_at, now_ + 4000) << "and is time that goes by";
  recency_.turn(kMemory);
  EXPECT_TRUE(recency_.leaves_early());
}

TEST_F(RecencyTest, WhatIsUsedAllTheTimeIsNoTime) {
  std::uint32_t used_at = now_ - 900;
  recency_.note_use(used_at, Pages{4000});
  EXPECT_EQ(used_at, now_);
}

TEST_F(RecencyTest, WhatOneLookSeesWasUsedAtOnce) {
  std::uint32_t walked = now_ - 10000;
  std::uint32_t often = now_ - 100;
  recency_.note_use(walked, Pages{7000});
  recency_.note_use(often, Pages{100});
  EXPECT_EQ(often, walked) << "no time went by for what was walked through meanwhile";
}

TEST_F(RecencyTest, AClockThatWrapsIsNoLongTime) {
  pass_time(UINT32_MAX - 100100);
  const std::uint32_t before = now_;
  pass_time(4000);
  EXPECT_LT(now_, before);
  EXPECT_EQ(recency_.ago(before, 8), 4U);
  EXPECT_EQ(recency_.ago(now_ + 5, 8), 0U) << "what is ahead of it was used just now";
}

TEST(RecencyWithoutMemoryTest, NothingIsLongAgo) {
  Recency recency;
  EXPECT_EQ(recency.ago(12345, 8), 0U);
  recency.turn(Pages::none());
  EXPECT_FALSE(recency.leaves_early());
}

// A loop over more than is left resident, with a ranking of the real kind.
class LoopTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kKept = 4096;  // pages
  static constexpr std::uint64_t kLoop = 6144;

  LoopTest() {
    pagemap_.open(os_);
    shared_.ranking.has_evidence(true);
  }
  // Pages that were not there.
  std::uint64_t once_around() {
    std::uint64_t missed = 0;
    for (std::uint64_t first = 0; first < kLoop; first += kPagesPerGranule) {
      const std::uint64_t before = os_.resident();
      os_.touch(first, kPagesPerGranule);
      missed += os_.resident() - before;
      note_use(first, os_.resident() == before);
      make_room();
    }
    return missed;
  }

 private:
  void note_use(std::uint64_t page, bool was_there) {
    if (was_there) {
      const Granule granule = Granule::holding(kHeap + page * kPageBytes);
      shared_.ranking.note_use(*shared_.ranking.map().find_or_make(os_, granule), Pages{16}, Pages{16});
    }
  }
  void make_room() {
    while (os_.resident() > kKept) {
      const Pages wanted{os_.resident() - kKept};
      if (evict(os_, pagemap_, shared_, wanted, wanted + Pages{64}, {}, 0, nullptr).ranking_empty) {
        ASSERT_EQ(shared_.ranking.build(os_, pagemap_, {}, true), 0);
      }
    }
  }

  MachineOs os_;
  ScanBuffer buffer_;
  Pagemap pagemap_{buffer_};
  SharedRanking shared_;
};

TEST_F(LoopTest, OfALoopPartStays) {
  EXPECT_EQ(once_around(), kLoop);
  EXPECT_GT(once_around(), kLoop * 3 / 4) << "the least recently used has left, until that is seen";
  once_around();
  for (int i = 0; i < 4; ++i) {
    EXPECT_LT(once_around(), kLoop * 55 / 100) << "a third of it would be the least";
  }
}

}  // namespace
}  // namespace weir::testing
