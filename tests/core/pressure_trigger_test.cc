// pressure_trigger_test.cc - the kernel's trigger text, and growth within a window.
#include "core/pressure_trigger.h"

#include <gmock/gmock.h>

#include <string>

namespace weir {
namespace {

using std::string_view_literals::operator""sv;
constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kStart = 1'000'000 * kMs;

TEST(PressureTriggerTest, TheKernelsTextIsUnderstood) {
  PressureTrigger trigger;
  EXPECT_TRUE(parse_trigger("some 200000 2000000\0"sv, trigger)) << "systemd sends the NUL along";
  EXPECT_TRUE(parse_trigger("full  150000 1000000\n"sv, trigger));
  EXPECT_TRUE(trigger.full);
  EXPECT_EQ(trigger.threshold_ns, 150 * kMs);
  EXPECT_EQ(trigger.window_ns, 1000 * kMs);
}

TEST(PressureTriggerTest, AnythingElseChangesNothing) {
  for (const std::string_view text :
       {""sv, "some"sv, "some "sv, "some 1"sv, "some 1 "sv, "some x 2000000"sv, "some -1 2000000"sv, "none 1 2000000"sv,
        "some 0 2000000"sv, "some 3000000 2000000"sv, "some 1 499999"sv, "some 1 10000001"sv, "some1 2 2000000"sv,
        "some 99999999999999999999 2000000"sv, "some 1 2000000 3"sv, " some 1 2000000"sv, "\0some 1 2000000"sv}) {
    PressureTrigger trigger;
    EXPECT_FALSE(parse_trigger(text, trigger)) << text;
    EXPECT_EQ(trigger.threshold_ns, 200 * kMs);
    EXPECT_EQ(trigger.window_ns, 2000 * kMs);
  }
}

TEST(StallHistoryTest, GrowthIsThatOfTheWindow) {
  StallHistory history;
  EXPECT_EQ(history.grown(2000 * kMs), 0U);
  for (std::uint64_t i = 0; i <= 100; ++i) {
    history.note(kStart + i * 200 * kMs, 5000 + i * 20 * kMs);
  }
  EXPECT_NEAR(static_cast<double>(history.grown(2000 * kMs)), 200.0 * kMs, kMs);
  EXPECT_NEAR(static_cast<double>(history.grown(2100 * kMs)), 210.0 * kMs, kMs) << "between two samples";
  EXPECT_NEAR(static_cast<double>(history.grown(10'000 * kMs)), 1000.0 * kMs, kMs);
}

TEST(StallHistoryTest, WhatWasBeforeTheFirstLookIsNotCounted) {
  StallHistory history;
  history.note(kStart, 9'000'000 * kMs);
  EXPECT_EQ(history.grown(2000 * kMs), 0U);
  history.note(kStart + 200 * kMs, 9'000'150 * kMs);
  EXPECT_EQ(history.grown(2000 * kMs), 150 * kMs);
}

TEST(StallHistoryTest, GrowthOfALongGapIsSpreadOverIt) {
  StallHistory history;
  history.note(kStart, 0);
  history.note(kStart + 60'000 * kMs, 600 * kMs);
  EXPECT_NEAR(static_cast<double>(history.grown(2000 * kMs)), 20.0 * kMs, kMs);
}

TEST(StallHistoryTest, LookingTooOftenLosesNothing) {
  StallHistory history;
  for (std::uint64_t i = 0; i <= 10'000; ++i) {
    history.note(kStart + i * kMs, i * kMs / 2);
  }
  EXPECT_NEAR(static_cast<double>(history.grown(10'000 * kMs)), 5000.0 * kMs, 200.0 * kMs);
}

TEST(StallHistoryTest, ATotalThatBeginsAnewIsNoGrowth) {
  StallHistory history;
  history.note(kStart, 500 * kMs);
  history.note(kStart + 200 * kMs, 0);
  history.note(kStart + 3000 * kMs, 0);
  EXPECT_EQ(history.grown(2000 * kMs), 0U);
}

}  // namespace
}  // namespace weir
