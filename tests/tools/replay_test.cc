// replay_test.cc - recordings made by hand, and what the policy does with them.
#include <gmock/gmock.h>

#include "reclaim/recording_writer.h"
#include "tools/replay_machine.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kHeap = 0x5555'0000;

class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() {
    RecordedSettings settings;
    settings.pid = 77;
    settings.flags = kRecordedBackground;
    settings.program = "test";
    writer_.begin(settings, 0);
    writer_.marks(0, marks(1024), Pages{0});
  }
  static Marks marks(std::uint64_t limit) {
    return {Pages{limit}, Pages{limit / 8 * 7}, Pages{limit / 4 * 3}};
  }
  // Granules that came, left or came back.
  void change(std::uint64_t ms, std::uint64_t first, std::uint32_t length, std::uint16_t present, std::uint16_t out) {
    writer_.change(ms * kMs, {Granule{kHeap + first}, length, present, out});
  }
  ReplayRecording recording() {
    writer_.end(1000 * kMs, 0);
    return decode_recording("test", writer_.take());
  }
  static ReplayPlan plan(std::uint64_t limit) {
    ReplayPlan plan;
    plan.marks = marks(limit);
    return plan;
  }
  static ReplayOutcome replay(const ReplayRecording& recording, const ReplayPlan& plan) {
    return ReplayMachine(recording, plan).run();
  }

  std::vector<char> memory_ = std::vector<char>(1 << 20);
  RecordingWriter writer_{memory_.data(), memory_.size()};
};

TEST_F(ReplayTest, WhatFitsStays) {
  change(100, 0, 32, 0xFFFF, 0);
  const ReplayOutcome outcome = replay(recording(), plan(1024));
  EXPECT_EQ(outcome.evicted, Pages{0});
  EXPECT_EQ(outcome.peak, Pages{512});
  EXPECT_EQ(outcome.over_high_ns, 0U);
}

TEST_F(ReplayTest, WhatDoesNotFitLeavesBeforeTheLimit) {
  change(100, 0, 1024, 0xFFFF, 0);  // 64 MiB in 100 ms
  const ReplayOutcome outcome = replay(recording(), plan(4096));
  EXPECT_GE(outcome.evicted, Pages{16384 - 4096});
  EXPECT_LE(outcome.peak, Pages{4096 + 128});
  EXPECT_GT(outcome.passes, 0U);
  EXPECT_EQ(outcome.oom_kills, 0U);
}

TEST_F(ReplayTest, ALargerLimitSparesRefaults) {
  change(100, 0, 128, 0xFFFF, 0);  // 8 MiB, which leave and come back in turn
  for (std::uint64_t round = 0; round < 10; ++round) {
    change(150 + round * 50, 0, 128, 0xFFFF, 0xFFFF);
    change(175 + round * 50, 0, 128, 0xFFFF, 0xFFFF);
  }
  const ReplayRecording made = recording();
  const ReplayOutcome small = replay(made, plan(1024));
  const ReplayOutcome large = replay(made, plan(4096));
  EXPECT_GT(small.refaults, 5000U) << "it used 2048 pages ten times over";
  EXPECT_EQ(large.refaults, 0U);
  EXPECT_EQ(large.evicted, Pages{0});
}

TEST_F(ReplayTest, WhatWasUsedMustBeThere) {
  change(100, 0, 128, 0xFFFF, 0);
  for (std::uint64_t round = 1; round < 10; ++round) {
    writer_.use((100 + round * 50) * kMs, {Granule{kHeap}, 128, Pages{1024}, Pages{2048}});
  }
  const ReplayRecording made = recording();
  EXPECT_GT(replay(made, plan(1024)).refaults, 300U) << "nothing had ever left in the recording";
  EXPECT_EQ(replay(made, plan(4096)).refaults, 0U);
}

TEST_F(ReplayTest, WhatWasGivenUpIsNoRefault) {
  change(100, 0, 128, 0xFFFF, 0);
  change(200, 0, 128, 0xFFFF, 0);  // freed
  change(300, 0, 128, 0xFFFF, 0);  // and new
  EXPECT_EQ(replay(recording(), plan(1024)).refaults, 0U);
}

TEST_F(ReplayTest, WithoutBackgroundTheLimitIsMet) {
  change(100, 0, 256, 0xFFFF, 0);
  const ReplayRecording made = recording();
  ReplayPlan direct = plan(1024);
  direct.background = false;
  const ReplayOutcome outcome = replay(made, direct);
  EXPECT_GT(outcome.failcnt, replay(made, plan(1024)).failcnt);
  EXPECT_LE(outcome.peak, Pages{1024 + 256});
}

TEST_F(ReplayTest, OthersCount) {
  writer_.marks(50 * kMs, marks(1024), Pages{700});
  change(100, 0, 32, 0xFFFF, 0);
  EXPECT_GT(replay(recording(), plan(1024)).evicted, Pages{100});
}

TEST_F(ReplayTest, MarksSetWhileItRanAreFollowedWhereTheyCount) {
  change(100, 0, 32, 0xFFFF, 0);
  writer_.marks(200 * kMs, marks(400), Pages{0});
  change(300, 100, 16, 0xFFFF, 0);
  const ReplayRecording made = recording();
  ReplayPlan follows = plan(1024);
  follows.follows_marks = true;
  EXPECT_EQ(replay(made, follows).marks.limit, Pages{400});
  EXPECT_EQ(replay(made, plan(1024)).marks.limit, Pages{1024});
}

TEST_F(ReplayTest, TheSameTwice) {
  for (std::uint64_t round = 0; round < 50; ++round) {
    change(100 + round * 10, round * 16, 16, 0xFFFF, 0);
  }
  const ReplayRecording made = recording();
  const ReplayOutcome one = replay(made, plan(1024));
  const ReplayOutcome two = replay(made, plan(1024));
  EXPECT_EQ(one.evicted, two.evicted);
  EXPECT_EQ(one.over_high_ns, two.over_high_ns);
  EXPECT_EQ(one.passes, two.passes);
  EXPECT_GT(one.over_high_ns, 0U);
}

TEST_F(ReplayTest, ALimitThatOthersFillKillsAndEnds) {
  writer_.marks(50 * kMs, marks(1024), Pages{5000});
  change(100, 0, 64, 0xFFFF, 0);
  EXPECT_GE(replay(recording(), plan(1024)).oom_kills, 1U);
}

TEST_F(ReplayTest, ARecordingThatContradictsItselfIsRefused) {
  change(100, 0, 1, 0xFFFF, 0xFFFF);  // present and out at once
  EXPECT_THROW(recording(), CommandFault);
}

TEST_F(ReplayTest, NoRecordingAtAllIsRefusedByName) {
  try {
    decode_recording("/tmp/x", "nonsense");
    FAIL() << "taken";
  } catch (const CommandFault& fault) {
    EXPECT_EQ(fault.status(), ExitStatus::kUsage);
    EXPECT_THAT(fault.what(), ::testing::HasSubstr("'/tmp/x' is not a recording"));
  }
}

}  // namespace
}  // namespace weir
