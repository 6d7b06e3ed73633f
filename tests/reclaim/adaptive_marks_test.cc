// adaptive_marks_test.cc - watermarks move with what charges met, within bounds, and only where nobody set them.
#include "reclaim/adaptive_marks.h"

#include <gmock/gmock.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

class AdaptiveMarksTest : public ::testing::Test {
 protected:
  AdaptiveMarksTest() {
    record().adaptive.store(1);
    meter(Meter::kFallback);
  }
  void meter(Meter kind) const {
    machine_.engine.record().meter.store(static_cast<std::uint32_t>(kind));
  }
  void hold(std::uint64_t pages) {
    machine_.os.touch(0, pages);
    machine_.engine.account.refresh(machine_.os, nullptr);
  }
  [[nodiscard]] ContainerRecord& record() const {
    return machine_.engine.view.container(machine_.container);
  }
  // A run of background reclaim is over; so many charges met trouble meanwhile.
  void run(std::uint64_t failcnt = 0, std::uint64_t throttle = 0) {
    machine_.os.advance(5'000'000);
    record().counters.failcnt.fetch_add(failcnt);
    record().counters.throttle.fetch_add(throttle);
    adapt_marks(machine_.engine, machine_.container);
  }
  std::uint64_t margin() {
    const Marks marks = marks_of(record());
    EXPECT_TRUE(marks.ordered());
    EXPECT_EQ(marks.low, marks.high - (marks.limit - marks.high)) << "low is twice as far from the limit as high";
    return (marks.limit - marks.high).count;
  }

  static constexpr std::uint64_t kLimit = 65536;  // pages: 256 MiB
  Machine machine_{{Pages{kLimit}, Pages{kLimit / 8 * 7}, Pages{kLimit / 8 * 6}}};
};

TEST_F(AdaptiveMarksTest, ACalmRunNarrowsTheMarginByASixteenth) {
  run();
  EXPECT_EQ(margin(), kLimit / 8 / 16 * 15);
}

TEST_F(AdaptiveMarksTest, TroubleWidensItByHalf) {
  record().high_watermark.store(kLimit - 2000);
  record().low_watermark.store(kLimit - 4000);
  run(1, 0);
  EXPECT_EQ(margin(), 3000U);
  run(0, 1);
  EXPECT_EQ(margin(), 4500U);
}

TEST_F(AdaptiveMarksTest, OldTroubleIsForgotten) {
  run(7, 3);
  const std::uint64_t before = margin();
  run();
  EXPECT_LT(margin(), before);
}

TEST_F(AdaptiveMarksTest, TheMarginStaysBetweenA64thAndAnEighth) {
  for (int i = 0; i < 100; ++i) {
    run();
  }
  EXPECT_EQ(margin(), kLimit / 64);
  for (int i = 0; i < 100; ++i) {
    run(1);
  }
  EXPECT_EQ(margin(), kLimit / 8);
}

TEST_F(AdaptiveMarksTest, ASmallLimitKeepsRoomForTwoSamples) {
  ASSERT_EQ(set_marks(record(), {Pages{4096}, Pages{3584}, Pages{3072}}), 0);
  for (int i = 0; i < 100; ++i) {
    run();
  }
  EXPECT_EQ(margin(), 128U);
}

TEST_F(AdaptiveMarksTest, TheSmallestLimitKeepsItsEighth) {
  ASSERT_EQ(set_marks(record(), {Pages{256}, Pages{224}, Pages{192}}), 0);
  run();
  EXPECT_EQ(margin(), 32U);
  run(1);
  EXPECT_EQ(margin(), 32U);
}

TEST_F(AdaptiveMarksTest, MarksThatWereSetByHandStay) {
  record().adaptive.store(0);
  const Marks before = marks_of(record());
  run();
  run(5, 5);
  EXPECT_EQ(marks_of(record()), before);
}

TEST_F(AdaptiveMarksTest, WithoutALimitThereIsNothingToAdapt) {
  ASSERT_EQ(set_marks(record(), {}), 0);
  run(1);
  EXPECT_EQ(marks_of(record()), Marks{});
}

TEST_F(AdaptiveMarksTest, TwoRunsWithinFiveMillisecondsAreOne) {
  run();
  const std::uint64_t before = margin();
  machine_.os.advance(4'999'999);
  adapt_marks(machine_.engine, machine_.container);
  EXPECT_EQ(margin(), before);
  machine_.os.advance(1);
  adapt_marks(machine_.engine, machine_.container);
  EXPECT_LT(margin(), before);
}

TEST_F(AdaptiveMarksTest, AMarginOutOfBoundsIsBroughtBack) {
  record().high_watermark.store(kLimit / 2);
  record().low_watermark.store(0);
  run();
  EXPECT_EQ(margin(), kLimit / 8);
  record().high_watermark.store(kLimit);
  record().low_watermark.store(kLimit);
  run();
  EXPECT_EQ(margin(), kLimit / 64);
}

// One process, stopped at its own samples.
class HeldForItselfTest : public AdaptiveMarksTest {
 protected:
  HeldForItselfTest() {
    meter(Meter::kPerf);
    hold(kLimit / 8 * 7);
    record().high_watermark.store(kLimit - 2000);
    record().low_watermark.store(kLimit - 4000);
  }
  std::uint64_t high_after_a_hold() {
    run(0, 1);
    return record().high_watermark.load();
  }
};

TEST_F(HeldForItselfTest, ToBeHeldIsNoTrouble) {
  run(0, 5);
  EXPECT_EQ(record().high_watermark.load(), kLimit - 2000 + 2000 / 16);
}

TEST_F(HeldForItselfTest, NorIsItOnceItCountsAgain) {
  run(3, 5);
  const std::uint64_t high = record().high_watermark.load();
  meter(Meter::kFallback);
  run();
  EXPECT_GT(record().high_watermark.load(), high) << "nothing happened since";
  meter(Meter::kPerf);
  run();
  EXPECT_GT(record().high_watermark.load(), high);
}

TEST_F(HeldForItselfTest, LowIsAQuarterFurther) {
  run();
  EXPECT_EQ(record().high_watermark.load() - record().low_watermark.load(), (2000U - 2000 / 16) / 4);
}

TEST_F(HeldForItselfTest, ButNotNearerThanTwoSamples) {
  for (int i = 0; i < 100; ++i) {
    run();
  }
  EXPECT_EQ(record().high_watermark.load(), kLimit - kLimit / 64);
  EXPECT_EQ(record().high_watermark.load() - record().low_watermark.load(), kLimit / 64 / 4);
  ASSERT_EQ(set_marks(record(), {Pages{4096}, Pages{3584}, Pages{3072}}), 0);
  for (int i = 0; i < 100; ++i) {
    run();
  }
  EXPECT_EQ(marks_of(record()), (Marks{Pages{4096}, Pages{4096 - 128}, Pages{4096 - 256}}));
}

TEST_F(HeldForItselfTest, TheLimitIs) {
  run(1, 0);
  EXPECT_EQ(record().high_watermark.load(), kLimit - 3000);
}

TEST_F(HeldForItselfTest, NotBesideAnotherLargeOne) {
  machine_.add_member(500, kLimit / 8, 0);
  EXPECT_EQ(high_after_a_hold(), kLimit - 3000);
}

TEST_F(HeldForItselfTest, NotBesideOneThatIsPagedOut) {
  machine_.add_member(500, 10, 0);
  MemberId other;
  ASSERT_TRUE(machine_.engine.view.find_member(500, other));
  machine_.engine.view.member(other).swap_pages.store(kLimit / 8);
  EXPECT_EQ(high_after_a_hold(), kLimit - 3000);
}

TEST_F(HeldForItselfTest, NotBesideManySmallOnes) {
  for (int pid = 500; pid < 520; ++pid) {
    machine_.add_member(pid, kLimit / 100, 0);
  }
  EXPECT_EQ(high_after_a_hold(), kLimit - 3000);
}

TEST_F(HeldForItselfTest, ButBesideAShell) {
  machine_.add_member(500, 300, 0);
  EXPECT_EQ(high_after_a_hold(), kLimit - 2000 + 2000 / 16);
}

}  // namespace
}  // namespace weir::testing
