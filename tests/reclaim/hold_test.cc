// hold_test.cc - a thread above high that outruns the reclaimer: how long it is held, and what it does meanwhile.
#include <gtest/gtest.h>

#include "reclaim/charge.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

// A reclaimer runs, and is busy elsewhere.
class HoldTest : public ::testing::Test {
 protected:
  HoldTest() {
    machine_.engine.reclaimer_runs.store(true);
    machine_.engine.reclaimer_ready.store(true);
    machine_.os.touch(0, 3700);
    machine_.engine.account.refresh(machine_.os, nullptr);
  }

  Machine machine_{kMarks};
};

TEST_F(HoldTest, WhatIsSeenGoesOnWhileThereIsRoom) {
  EXPECT_EQ(charge(machine_.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_EQ(machine_.os.resident(), 3700U);
  EXPECT_EQ(machine_.counters().throttle.load(), 0U);
}

TEST_F(HoldTest, NearTheLimitItHelpsOnce) {
  machine_.os.touch(3700, 200);
  machine_.engine.account.refresh(machine_.os, nullptr);
  EXPECT_EQ(charge(machine_.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_LT(machine_.os.resident(), 3900U);
  EXPECT_GT(machine_.os.resident(), kMarks.low.count);
  EXPECT_EQ(machine_.counters().throttle.load(), 1U);
}

TEST_F(HoldTest, WhatIsUnseenHelpsUntilLowIsFree) {
  EXPECT_EQ(charge(machine_.engine, {.expected = Pages{32}, .unseen = true}), Verdict::kRoom);
  EXPECT_LE(machine_.os.resident(), kMarks.low.count);
  EXPECT_GE(machine_.os.resident() + 512, kMarks.low.count) << "and no further than a batch or so";
  EXPECT_EQ(machine_.counters().throttle.load(), 1U);
  EXPECT_EQ(machine_.counters().failcnt.load(), 0U);
}

TEST_F(HoldTest, WhoMayNotHelpWaitsABoundedTime) {
  machine_.engine.many_threads.store(true);
  const std::uint64_t start = machine_.os.now_ns();
  EXPECT_EQ(charge(machine_.engine, {.expected = Pages{32}, .unseen = true}), Verdict::kRoom);
  EXPECT_EQ(machine_.os.resident(), 3700U);
  EXPECT_GE(machine_.os.now_ns() - start, 20'000'000U);
  EXPECT_LE(machine_.os.now_ns() - start, 50'000'000U);
}

TEST_F(HoldTest, WhereNothingLeavesItWaitsABoundedTimeToo) {
  machine_.os.pin(0, 3700);
  const std::uint64_t start = machine_.os.now_ns();
  EXPECT_EQ(charge(machine_.engine, {.expected = Pages{32}, .unseen = true}), Verdict::kRoom);
  EXPECT_LE(machine_.os.now_ns() - start, 50'000'000U);
  EXPECT_TRUE(machine_.os.killed.empty());
}

}  // namespace
}  // namespace weir::testing
