// background_test.cc - one look of the reclaimer: starts above high, stops below low, stalls nobody.
#include "reclaim/background.h"

#include <gmock/gmock.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

class BackgroundTest : public ::testing::Test {
 protected:
  LookResult look_once(Machine& machine, bool direct_only = false) {
    machine.engine.pagemap.open(machine.os);
    GrowthWatch watch;
    return look(machine.engine, watch, direct_only);
  }
};

TEST_F(BackgroundTest, BelowHighItLeavesEverythingAlone) {
  Machine machine(kMarks);
  machine.os.touch(0, 3584);
  EXPECT_FALSE(look_once(machine).worked);
  EXPECT_EQ(machine.os.resident(), 3584U);
  EXPECT_EQ(machine.counters().background_runs.load(), 0U);
}

TEST_F(BackgroundTest, SwitchedOffWhoHasRoomAndWaitsForACoreOnlyIsNoWork) {
  Machine machine(kMarks, {}, false);
  machine.os.touch(0, 4090);
  machine.engine.waiters.store(1);
  machine.engine.unserved.store(true);
  look_once(machine, true);
  EXPECT_FALSE(machine.engine.unserved.load()) << "the reclaimer may sleep";
  EXPECT_FALSE(look_once(machine, true).worked);
  EXPECT_EQ(machine.counters().events_high.load(), 0U);
  EXPECT_EQ(machine.counters().events_low.load(), 0U);
}

TEST_F(BackgroundTest, AboveHighItWorksUntilBelowLow) {
  Machine machine(kMarks);
  machine.os.touch(0, 3600);
  EXPECT_TRUE(look_once(machine).worked);
  EXPECT_LE(machine.os.resident(), 3072U);
  EXPECT_GE(machine.os.resident(), 3072 - kBackgroundBatch.count - kMostPerCall.count);
  EXPECT_EQ(machine.counters().background_runs.load(), 1U);
  EXPECT_EQ(machine.counters().events_low.load(), 1U);
}

TEST_F(BackgroundTest, ItsWorkIsNoStall) {
  Machine machine(kMarks);
  machine.os.touch(0, 4000);
  look_once(machine);
  EXPECT_EQ(machine.counters().failcnt.load(), 0U);
  EXPECT_EQ(machine.counters().allocstall.load(), 0U);
}

// Its own stack and tables are pages of the process, too.
TEST_F(BackgroundTest, WhatTheReclaimerTakesBackItselfIsNoGain) {
  Machine machine(kMarks);
  machine.os.touch(0, 4000);
  machine.os.interleave(Call::kAdvise, [&] { machine.os.add_thread_faults(kMostPerCall.count); });
  EXPECT_TRUE(look_once(machine).fruitless);
  EXPECT_GT(machine.counters().evict_done.load(), 0U);
}

TEST_F(BackgroundTest, WhatDoesNotLeaveIsCountedAndLeftAlone) {
  Machine machine(kMarks);
  machine.os.touch(0, 4000);
  machine.os.pin(0, 4000);
  const LookResult first = look_once(machine);
  EXPECT_TRUE(first.fruitless);
  EXPECT_EQ(machine.counters().evict_done.load(), 0U);
  EXPECT_GT(machine.counters().evict_stayed[static_cast<int>(StayReason::kShared)].load(), 0U);
  const int asked = machine.os.page_outs;
  look_once(machine);
  EXPECT_EQ(machine.os.page_outs, asked) << "granules that would not leave get rounds of rest";
}

TEST_F(BackgroundTest, SwitchedOffItServesOnlyThoseWhoWait) {
  Machine machine(kMarks, {}, false);
  machine.os.touch(0, 4090);
  EXPECT_FALSE(look_once(machine, true).worked);
  machine.engine.waiters.store(1);
  EXPECT_TRUE(look_once(machine, true).worked);
  EXPECT_LT(machine.os.resident(), 4096U);
  EXPECT_GT(machine.os.resident(), 3072U) << "down to some room at the limit, not to low";
  EXPECT_EQ(machine.counters().background_runs.load(), 0U);
}

TEST_F(BackgroundTest, AFailingMadviseFreesNothingAndSaysSo) {
  Machine machine(kMarks);
  machine.os.touch(0, 4000);
  machine.os.fail(Call::kAdvise, EINVAL);
  EXPECT_TRUE(look_once(machine).fruitless);
  EXPECT_EQ(machine.counters().evict_done.load(), 0U);
  EXPECT_GT(machine.counters().evict_stayed[static_cast<int>(StayReason::kLocked)].load(), 0U);
}

TEST_F(BackgroundTest, AClockThatJumpsHarmsNothing) {
  Machine machine(kMarks);
  machine.os.touch(0, 3600);
  machine.os.set_clock(1);
  look_once(machine);
  machine.os.touch(0, 3600);
  machine.os.set_clock(UINT64_MAX / 2);
  look_once(machine);
  EXPECT_LE(machine.os.resident(), 3072U);
}

TEST_F(BackgroundTest, PagesThatComeBackAreCountedAsRefaults) {
  Machine machine(kMarks);
  machine.os.touch(0, 3600);
  look_once(machine);
  const std::uint64_t gone = 3600 - machine.os.resident();
  // They are found when the ranking is built anew, once all it held has left.
  for (int i = 0; i < 10; ++i) {
    machine.os.touch(0, 3600);
    look_once(machine);
  }
  EXPECT_GE(machine.counters().refault.load(), gone);
  EXPECT_LE(machine.counters().refault.load(), machine.counters().evict_done.load());
}

}  // namespace
}  // namespace weir::testing
