// in_place_test.cc - where flushes are dear the thread that grows evicts, and the reclaimer leaves it to it.
#include "reclaim/in_place.h"

#include <gtest/gtest.h>

#include "reclaim/background.h"
#include "reclaim/charge.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

// Above high, a reclaimer runs beside, and a flush costs 17 us.
class InPlaceTest : public ::testing::Test {
 protected:
  InPlaceTest() {
    machine_.engine.reclaimer_runs.store(true);
    machine_.engine.reclaimer_ready.store(true);
    machine_.engine.record().meter.store(static_cast<std::uint32_t>(Meter::kPerf));
    machine_.engine.view.raw().header.flush_ns.store(17'000);
    hold(3700);
  }
  void hold(std::uint64_t pages) {
    machine_.os.touch(0, pages);
    machine_.engine.account.refresh(machine_.os, nullptr);
  }
  Verdict sample() {
    return charge(machine_.engine, {Pages{32}, false});
  }
  // As the reclaimer thread has it when it looks.
  LookResult look_beside() {
    EXPECT_EQ(machine_.engine.pagemap.open(machine_.os), 0);
    return look(machine_.engine, watch_, false);
  }

  Machine machine_{kMarks};
  GrowthWatch watch_;
};

TEST_F(InPlaceTest, TheThreadEvictsABatchOrTwo) {
  EXPECT_EQ(sample(), Verdict::kRoom);
  EXPECT_LT(machine_.os.resident(), kMarks.high.count);
  EXPECT_GE(machine_.os.resident(), 3700U - 2 * kBackgroundBatch.count);
  EXPECT_EQ(machine_.counters().in_place.load(), 1U);
  EXPECT_EQ(machine_.counters().throttle.load(), 0U);
  EXPECT_EQ(machine_.counters().allocstall.load(), 0U);
  EXPECT_EQ(machine_.counters().failcnt.load(), 0U);
}

TEST_F(InPlaceTest, BelowHighItDoesNothing) {
  machine_.os.drop_all();
  hold(3000);
  EXPECT_EQ(sample(), Verdict::kRoom);
  EXPECT_EQ(machine_.os.resident(), 3000U);
  EXPECT_EQ(machine_.counters().in_place.load(), 0U);
}

TEST_F(InPlaceTest, WithoutBackgroundReclaimItWaitsForTheLimit) {
  machine_.engine.container().background.store(0);
  EXPECT_EQ(sample(), Verdict::kRoom);
  EXPECT_EQ(machine_.os.resident(), 3700U);
}

TEST_F(InPlaceTest, WhatOthersHaveInHandIsNotTakenTwice) {
  machine_.os.drop_all();
  hold(2900);
  machine_.add_member(5001, 800, 0);
  machine_.engine.view.member(MemberId{1}).leaving_pages.store(800);
  EXPECT_EQ(sample(), Verdict::kRoom);
  EXPECT_EQ(machine_.os.resident(), 2900U);
}

TEST_F(InPlaceTest, TheReclaimerLeavesItToTheThread) {
  ASSERT_EQ(sample(), Verdict::kRoom);
  hold(3800);
  const std::uint64_t before = machine_.os.resident();
  const LookResult result = look_beside();
  EXPECT_TRUE(result.left_to_thread);
  EXPECT_EQ(machine_.os.resident(), before);
  EXPECT_EQ(pause_after(result), 20'000'000);
}

TEST_F(InPlaceTest, UntilTheThreadGrowsNoMore) {
  ASSERT_EQ(sample(), Verdict::kRoom);
  hold(3800);
  machine_.os.advance(30'000'000);
  const LookResult result = look_beside();
  EXPECT_FALSE(result.left_to_thread);
  EXPECT_LE(machine_.os.resident(), kMarks.low.count);
}

TEST_F(InPlaceTest, WhoWaitsForRoomIsServedByTheReclaimerToo) {
  ASSERT_EQ(sample(), Verdict::kRoom);
  hold(3800);
  machine_.engine.waiters.store(1);
  EXPECT_FALSE(look_beside().left_to_thread);
  EXPECT_LT(machine_.os.resident(), 3800U);
}

TEST_F(InPlaceTest, WhereNothingLeavesTheThreadIsHeldNearTheLimit) {
  hold(4000);
  machine_.os.pin(0, 4000);
  EXPECT_EQ(sample(), Verdict::kRoom);
  EXPECT_EQ(machine_.counters().in_place.load(), 0U) << "it tried";
  EXPECT_EQ(machine_.counters().throttle.load(), 1U);
}

TEST_F(InPlaceTest, WatermarksNobodySetFollowIt) {
  machine_.engine.container().adaptive.store(1);
  EXPECT_EQ(sample(), Verdict::kRoom);
  EXPECT_GT(machine_.engine.container().high_watermark.load(), kMarks.high.count);
}

TEST_F(InPlaceTest, WhatAPageOutCostsIsKept) {
  EXPECT_EQ(sample(), Verdict::kRoom);
  EXPECT_GT(machine_.engine.container().load.page_out_ns.load(), 0U);
}

TEST_F(InPlaceTest, WhereHugePagesLeaveTheReclaimerTakesOver) {
  machine_.os.huge_pages = true;
  for (int i = 0; i < 40; ++i) {
    hold(3700);
    sample();
  }
  EXPECT_FALSE(evicts_in_place(machine_.engine));
}

}  // namespace
}  // namespace weir::testing
