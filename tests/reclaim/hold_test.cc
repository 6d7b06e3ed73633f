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
    meter(Meter::kPerf);
    machine_.os.touch(0, 3700);
    machine_.engine.account.refresh(machine_.os, nullptr);
  }

  void meter(Meter kind) const {
    machine_.engine.record().meter.store(static_cast<std::uint32_t>(kind));
  }

  Machine machine_{kMarks};
};

TEST_F(HoldTest, WhoIsSampledGoesOnWhileThereIsRoom) {
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

TEST_F(HoldTest, WhoIsUnseenHelpsUntilLowIsFree) {
  meter(Meter::kFallback);
  EXPECT_EQ(charge(machine_.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_LE(machine_.os.resident(), kMarks.low.count);
  EXPECT_GE(machine_.os.resident() + 512, kMarks.low.count) << "and no further than a batch or so";
  EXPECT_EQ(machine_.counters().throttle.load(), 1U);
  EXPECT_EQ(machine_.counters().failcnt.load(), 0U);
}

TEST_F(HoldTest, WhoHoldsLittleHelpsLittle) {
  meter(Meter::kFallback);
  machine_.os.drop_all();
  machine_.os.touch(0, 370);
  machine_.engine.account.refresh(machine_.os, nullptr);
  machine_.add_member(5001, 3330, 0);
  EXPECT_EQ(charge(machine_.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_LT(machine_.os.resident(), 370U);
  EXPECT_GE(machine_.os.resident(), 370U - 256) << "a tenth of 628, by whole calls";
}

TEST_F(HoldTest, WhoMayNotHelpWaitsABoundedTime) {
  meter(Meter::kFallback);
  machine_.engine.many_threads.store(true);
  const std::uint64_t start = machine_.os.now_ns();
  EXPECT_EQ(charge(machine_.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_EQ(machine_.os.resident(), 3700U);
  EXPECT_GE(machine_.os.now_ns() - start, 20'000'000U);
  EXPECT_LE(machine_.os.now_ns() - start, 50'000'000U);
}

TEST_F(HoldTest, ItWaitsOnWhileUsageComesDown) {
  meter(Meter::kFallback);
  machine_.engine.many_threads.store(true);
  std::uint64_t gone = 0;
  machine_.os.interleave(Call::kFutexWait, [&] {  // the reclaimer is slow
    machine_.os.advance(15'000'000);
    machine_.os.free_pages(gone, 200);
    gone += 200;
    machine_.engine.account.refresh(machine_.os, nullptr);
  });
  EXPECT_EQ(charge(machine_.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_LE(machine_.os.resident(), kMarks.low.count);
}

TEST_F(HoldTest, ButNotForEver) {
  meter(Meter::kFallback);
  machine_.engine.many_threads.store(true);
  std::uint64_t gone = 0;
  machine_.os.interleave(Call::kFutexWait, [&] {
    machine_.os.advance(15'000'000);
    machine_.os.free_pages(gone, 20);
    gone += 20;
    machine_.engine.account.refresh(machine_.os, nullptr);
  });
  const std::uint64_t start = machine_.os.now_ns();
  EXPECT_EQ(charge(machine_.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_GT(machine_.os.resident(), kMarks.low.count);
  EXPECT_LE(machine_.os.now_ns() - start, 300'000'000U);
}

TEST_F(HoldTest, RoomForAHugePageIsMadeBelowLow) {
  machine_.os.free_pages(0, 500);  // 3200: above low, below high, and would be above it with the piece
  machine_.engine.account.refresh(machine_.os, nullptr);
  EXPECT_EQ(charge(machine_.engine, {Pages{300}, false}), Verdict::kRoom);
  EXPECT_EQ(machine_.os.resident(), 3200U) << "it is sampled";
  meter(Meter::kFallback);
  EXPECT_EQ(charge(machine_.engine, {Pages{200}, false}), Verdict::kRoom);
  EXPECT_EQ(machine_.os.resident(), 3200U) << "no huge page";
  EXPECT_EQ(charge(machine_.engine, {Pages{300}, false}), Verdict::kRoom);
  EXPECT_LE(machine_.os.resident() + 300, kMarks.low.count);
}

TEST_F(HoldTest, BelowHighItWaitsForNobody) {
  meter(Meter::kFallback);
  machine_.os.drop_all();
  machine_.os.touch(0, 100);
  machine_.engine.account.refresh(machine_.os, nullptr);
  machine_.add_member(5001, 3100, 0);  // above low, and who holds it has no reason to give
  const std::uint64_t start = machine_.os.now_ns();
  EXPECT_EQ(charge(machine_.engine, {Pages{300}, false}), Verdict::kRoom);
  EXPECT_LE(machine_.os.now_ns() - start, 1'000'000U);
}

TEST_F(HoldTest, WhoWasNotHeldIsNotCounted) {
  meter(Meter::kFallback);
  machine_.os.drop_all();
  machine_.engine.account.refresh(machine_.os, nullptr);
  machine_.add_member(5001, 3100, 0);
  EXPECT_EQ(charge(machine_.engine, {Pages{300}, false}), Verdict::kRoom);
  EXPECT_EQ(machine_.counters().throttle.load(), 0U);
}

TEST_F(HoldTest, WhereNothingLeavesItWaitsABoundedTimeToo) {
  meter(Meter::kFallback);
  machine_.os.pin(0, 3700);
  const std::uint64_t start = machine_.os.now_ns();
  EXPECT_EQ(charge(machine_.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_LE(machine_.os.now_ns() - start, 50'000'000U);
  EXPECT_TRUE(machine_.os.killed.empty());
}

}  // namespace
}  // namespace weir::testing
