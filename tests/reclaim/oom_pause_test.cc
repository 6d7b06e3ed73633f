// oom_pause_test.cc - a pause over several stalls, and the end of one.
#include "reclaim/oom_pause.h"

#include <gtest/gtest.h>

namespace weir::testing {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kNow = 100 * kSecond;

TEST(OomPauseTest, BeginsWithTheStall) {
  OomPause pause;
  EXPECT_FALSE(pause.lasts(kNow));
  EXPECT_EQ(pause.go_on(kNow, kNow - 5), kNow - 5);
  EXPECT_TRUE(pause.lasts(kNow));
}

TEST(OomPauseTest, GoesOnInTheNextStall) {
  OomPause pause;
  pause.go_on(kNow, kNow);
  EXPECT_EQ(pause.go_on(kNow + kSecond / 2, kNow + kSecond / 4), kNow);
  EXPECT_EQ(pause.go_on(kNow + kSecond, kNow + kSecond), kNow);
}

TEST(OomPauseTest, IsOverWithRoom) {
  OomPause pause;
  pause.go_on(kNow, kNow);
  pause.end();
  EXPECT_FALSE(pause.lasts(kNow));
  EXPECT_EQ(pause.go_on(kNow + 10, kNow + 10), kNow + 10);
}

TEST(OomPauseTest, AndWhenNobodyHasComeToTheLimitForAWhile) {
  OomPause pause;
  pause.go_on(kNow, kNow);
  EXPECT_FALSE(pause.lasts(kNow + kSecond));
  EXPECT_EQ(pause.go_on(kNow + 2 * kSecond, kNow + 2 * kSecond), kNow + 2 * kSecond);
}

TEST(OomPauseTest, AClockReadBeforeIsNoEnd) {
  OomPause pause;
  pause.go_on(kNow, kNow);
  EXPECT_TRUE(pause.lasts(kNow - 1));
}

TEST(OomPausesTest, EachContainerHasItsOwn) {
  OomPauses pauses;
  const ContainerId one{1};
  const ContainerId other{2};
  pauses.go_on(one, kNow, kNow);
  EXPECT_FALSE(pauses.lasts(other, kNow));
  EXPECT_EQ(pauses.go_on(other, kNow + kSecond / 2, kNow + kSecond / 2), kNow + kSecond / 2);
  pauses.end(other);
  EXPECT_TRUE(pauses.lasts(one, kNow + kSecond / 2));
  pauses.end_all();
  EXPECT_FALSE(pauses.lasts(one, kNow + kSecond / 2));
}

TEST(OomPausesTest, WhoTakesAnothersPlaceBeginsAnew) {
  OomPauses pauses;
  const ContainerId one{0};
  const ContainerId other{1008};
  pauses.go_on(one, kNow, kNow);
  EXPECT_FALSE(pauses.lasts(other, kNow));
  pauses.end(other);
  EXPECT_TRUE(pauses.lasts(one, kNow));
  EXPECT_EQ(pauses.go_on(other, kNow + 5, kNow + 4), kNow + 4);
  EXPECT_FALSE(pauses.lasts(one, kNow + 5));
}

}  // namespace
}  // namespace weir::testing
