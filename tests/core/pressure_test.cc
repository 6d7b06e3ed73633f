// pressure_test.cc - stalls as the union of their times, averages that rise and fall.
#include "core/pressure.h"

#include <gmock/gmock.h>

namespace weir {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStart = 1000 * kSecond;

TEST(PressureTest, OverlappingStallsCountOnce) {
  PressureRecord record{};
  note_stall(record, {kStart, 0}, kStart + 4 * kSecond);
  note_stall(record, {kStart + kSecond, 0}, kStart + 5 * kSecond);
  note_stall(record, {kStart + kSecond, 0}, kStart + 2 * kSecond);
  EXPECT_EQ(pressure_at(record, kStart + 5 * kSecond).total_us, 5'000'000U);
}

TEST(PressureTest, ALongStallAroundShortOnesCountsWhole) {
  PressureRecord record{};
  const StallStart held = begin_stall(record, kStart);
  for (std::uint64_t s = 1; s < 9; s += 2) {
    const StallStart reclaims = begin_stall(record, kStart + s * kSecond);
    note_stall(record, reclaims, kStart + (s + 1) * kSecond);
  }
  note_stall(record, held, kStart + 10 * kSecond);
  EXPECT_EQ(pressure_at(record, kStart + 10 * kSecond).total_us, 10'000'000U);
}

TEST(PressureTest, OneThatBeganBeforeAndEndedWithinIsNotCountedTwice) {
  PressureRecord record{};
  const StallStart first = begin_stall(record, kStart);
  const StallStart second = begin_stall(record, kStart + kSecond);
  const StallStart third = begin_stall(record, kStart + 2 * kSecond);
  note_stall(record, second, kStart + 3 * kSecond);
  note_stall(record, first, kStart + 4 * kSecond);
  note_stall(record, third, kStart + 5 * kSecond);
  EXPECT_EQ(pressure_at(record, kStart + 5 * kSecond).total_us, 5'000'000U);
}

TEST(PressureTest, ACalmContainerHasNone) {
  PressureRecord record{};
  const Pressure pressure = pressure_at(record, kStart);
  EXPECT_EQ(pressure.total_us, 0U);
  EXPECT_EQ(pressure.avg[0], 0U);
}

TEST(PressureTest, StandingStillAllTheTimeNearsAHundredPercent) {
  PressureRecord record{};
  static_cast<void>(pressure_at(record, kStart));
  for (std::uint64_t s = 0; s < 60; ++s) {
    note_stall(record, {kStart + s * kSecond, 0}, kStart + (s + 1) * kSecond);
  }
  const Pressure pressure = pressure_at(record, kStart + 60 * kSecond);
  EXPECT_GT(pressure.avg[0], 9800U);
  EXPECT_LE(pressure.avg[0], 10'000U);
  EXPECT_GT(pressure.avg[0], pressure.avg[1]);
  EXPECT_GT(pressure.avg[1], pressure.avg[2]);
}

TEST(PressureTest, HalfOfTheTimeIsHalf) {
  PressureRecord record{};
  static_cast<void>(pressure_at(record, kStart));
  for (std::uint64_t s = 0; s < 120; s += 2) {
    note_stall(record, {kStart + s * kSecond, 0}, kStart + (s + 1) * kSecond);
  }
  const Pressure pressure = pressure_at(record, kStart + 120 * kSecond);
  EXPECT_NEAR(pressure.avg[0], 5000, 600);
}

TEST(PressureTest, ItFallsWhenTheTroubleIsOver) {
  PressureRecord record{};
  static_cast<void>(pressure_at(record, kStart));
  note_stall(record, {kStart, 0}, kStart + 10 * kSecond);
  const std::uint32_t high = pressure_at(record, kStart + 10 * kSecond).avg[0];
  const std::uint32_t later = pressure_at(record, kStart + 40 * kSecond).avg[0];
  EXPECT_GT(high, 5000U);
  EXPECT_LT(later, 600U);
  EXPECT_EQ(pressure_at(record, kStart + 100'000 * kSecond).avg[2], 0U);
}

TEST(PressureTest, ASumCountsAsLongAsThereWasTimeForIt) {
  PressureRecord record{};
  EXPECT_EQ(note_stalled_sum(record, kSecond / 4, kStart), kSecond / 4);
  EXPECT_EQ(note_stalled_sum(record, kSecond, kStart + kSecond / 10), kSecond * 85 / 100);
  EXPECT_EQ(note_stalled_sum(record, kSecond, kStart + kSecond / 10), 0U);
  EXPECT_EQ(pressure_at(record, kStart + kSecond).total_us, 1'100'000U);
}

TEST(PressureTest, SumsFillTheTimeBetweenStalls) {
  PressureRecord record{};
  for (std::uint64_t s = 0; s < 10; ++s) {
    const std::uint64_t now = kStart + s * kSecond;
    note_stall(record, {now, 0}, now + kSecond / 2);
    static_cast<void>(note_stalled_sum(record, 2 * kSecond, now + kSecond));
  }
  const std::uint64_t total = pressure_at(record, kStart + 10 * kSecond).total_us;
  EXPECT_GE(total, 10'000'000U);
  EXPECT_LE(total, 11'000'000U) << "time itself, and the second before";
}

TEST(PressureTest, AStallCountsWholeAfterASumOfTheSameTime) {
  PressureRecord record{};
  static_cast<void>(note_stalled_sum(record, kSecond / 1000, kStart + kSecond));
  note_stall(record, {kStart + kSecond / 2, 0}, kStart + kSecond);
  EXPECT_EQ(pressure_at(record, kStart + kSecond).total_us, 501'000U);
}

TEST(PressureTest, AClockOfAnotherBootHoldsSumsUpForASecondOnly) {
  PressureRecord record{};
  static_cast<void>(note_stalled_sum(record, 1, kStart));
  static_cast<void>(note_stalled_sum(record, kSecond, kSecond * 5));
  EXPECT_GT(note_stalled_sum(record, kSecond / 2, kSecond * 7), 0U);
}

TEST(PressureTest, AClockThatJumpsBackHarmsNothing) {
  PressureRecord record{};
  note_stall(record, {kStart, 0}, kStart + kSecond);
  note_stall(record, {kStart - 100 * kSecond, 0}, kStart - 99 * kSecond);
  EXPECT_EQ(pressure_at(record, kStart - 50 * kSecond).total_us, 1'000'000U);
}

}  // namespace
}  // namespace weir
