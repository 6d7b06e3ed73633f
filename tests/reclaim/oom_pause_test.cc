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

}  // namespace
}  // namespace weir::testing
