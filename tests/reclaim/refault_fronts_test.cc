// refault_fronts_test.cc - traces of streams in scans, fronts that move, what is asked for ahead of them.
#include "reclaim/refault_fronts.h"

#include <gtest/gtest.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr AddressRange pages(std::uint64_t first, std::uint64_t count) {
  return {kHeap + first * kPageBytes, kHeap + (first + count) * kPageBytes};
}

class RefaultFrontsTest : public ::testing::Test {
 protected:
  RefaultFrontsTest() {
    pagemap_.open(os_);
  }
  // A scan that finds these pages again.
  void found(std::uint64_t first, std::uint64_t count) {
    os_.touch(first, count);
    fronts_.note(pages(first, count), count * kPageBytes);
    fronts_.end_of_scan();
  }
  void follow() {
    const ReadaheadOutcome outcome =
        fronts_.follow(os_, pagemap_, Pages{512}, [&](AddressRange way) { ways_.push_back(way); });
    asked_ = asked_ + outcome.asked;
    hits_ = hits_ + outcome.hits;
  }
  // What a poked thread asks for now.
  std::vector<AddressRange> ask() {
    os_.wanted_ahead.clear();
    fronts_.ask(os_);
    return os_.wanted_ahead;
  }

  MachineOs os_;
  ScanBuffer buffer_;
  Pagemap pagemap_{buffer_};
  RefaultFronts fronts_;
  std::vector<AddressRange> ways_;
  Pages asked_;
  Pages hits_;
};

TEST_F(RefaultFrontsTest, AFrontThatMovesUpIsReadAheadOf) {
  found(1000, 100);
  follow();
  EXPECT_TRUE(ask().empty()) << "it has not moved yet";
  os_.touch(1100, 200);
  follow();
  ASSERT_EQ(ask().size(), 1U);
  EXPECT_EQ(os_.wanted_ahead[0], pages(1300, 200)) << "as much as it moved";
  EXPECT_TRUE(ask().empty()) << "once";
  ASSERT_EQ(ways_.size(), 1U);
  EXPECT_EQ(ways_[0], pages(1100, 200));
}

TEST_F(RefaultFrontsTest, AFrontThatMovesDownToo) {
  found(2000, 100);
  os_.touch(1700, 300);
  follow();
  ASSERT_EQ(ask().size(), 1U);
  EXPECT_EQ(os_.wanted_ahead[0], pages(1400, 300));
}

TEST_F(RefaultFrontsTest, NoMoreIsAskedForThanMayBe) {
  found(1000, 100);
  os_.touch(1100, 900);
  follow();
  ASSERT_EQ(ask().size(), 1U);
  EXPECT_EQ(os_.wanted_ahead[0], pages(2000, 512));
}

TEST_F(RefaultFrontsTest, SmallGapsAreNoEnd) {
  for (std::uint64_t at = 1000; at < 1100; at += 5) {
    os_.touch(at, 4);
    fronts_.note(pages(at, 4), 4 * kPageBytes);
  }
  fronts_.end_of_scan();
  for (std::uint64_t at = 1100; at < 1500; at += 5) {
    os_.touch(at, 4);
  }
  follow();
  ASSERT_EQ(ask().size(), 1U);
  EXPECT_EQ(os_.wanted_ahead[0], pages(1499, 320)) << "four of five pages are dense";
}

TEST_F(RefaultFrontsTest, PagesHereAndThereAreNoTrace) {
  for (std::uint64_t at = 1000; at < 3000; at += 40) {
    os_.touch(at, 1);
    fronts_.note(pages(at, 1), kPageBytes);
  }
  fronts_.end_of_scan();
  os_.touch(3000, 500);
  follow();
  EXPECT_TRUE(ways_.empty());
  EXPECT_TRUE(ask().empty());
}

TEST_F(RefaultFrontsTest, WhatWasNeverGoneIsNoTrace) {
  os_.touch(1000, 100);
  fronts_.note(pages(1000, 100), 0);
  fronts_.end_of_scan();
  os_.touch(1100, 200);
  follow();
  EXPECT_TRUE(ways_.empty());
}

TEST_F(RefaultFrontsTest, ASparseStreamIsFollowedAndNotReadAheadOf) {
  found(1000, 100);
  for (std::uint64_t at = 1100; at < 2000; at += 3) {
    os_.touch(at, 1);
  }
  follow();
  EXPECT_EQ(ways_.size(), 1U);
  EXPECT_TRUE(ask().empty());
}

TEST_F(RefaultFrontsTest, WhatTheFrontHasPassedWasAHit) {
  found(1000, 100);
  os_.touch(1100, 200);
  follow();
  ask();
  os_.touch(1300, 150);
  follow();
  EXPECT_EQ(asked_, Pages{200});
  EXPECT_EQ(hits_, Pages{150});
}

TEST_F(RefaultFrontsTest, WhatNobodyAskedForIsNotJudged) {
  found(1000, 100);
  os_.touch(1100, 200);
  follow();
  os_.touch(1300, 200);
  follow();
  EXPECT_EQ(asked_, Pages::none());
  ASSERT_EQ(ask().size(), 1U);
  EXPECT_EQ(os_.wanted_ahead[0], pages(1500, 200)) << "the later wish";
}

TEST_F(RefaultFrontsTest, AFrontThatStandsStillIsForgotten) {
  found(1000, 100);
  for (int i = 0; i < RefaultFronts::kPatience; ++i) {
    follow();
  }
  os_.touch(1100, 200);
  follow();
  EXPECT_TRUE(ways_.empty());
}

TEST_F(RefaultFrontsTest, MoreTracesThanPlacesKeepTheFrontsThatMove) {
  found(1000, 100);
  for (std::uint64_t i = 1; i < 2 * RefaultFronts::kMost; ++i) {
    os_.touch(1000 + 100 * i, 100);
    follow();
    found(10'000 * i, 100);
  }
  ways_.clear();
  os_.touch(1000 + RefaultFronts::kMost * 200, 64);
  follow();
  EXPECT_EQ(ways_.size(), 1U);
}

}  // namespace
}  // namespace weir::testing
