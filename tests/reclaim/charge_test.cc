// charge_test.cc - the thread that grows: room, reclaim in its own context, refusal, the kill.
#include "reclaim/charge.h"

#include <gmock/gmock.h>

#include "reclaim/oom.h"
#include "reclaim/other_members.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ChargeTest, BelowEveryMarkNothingHappens) {
  Machine machine(kMarks);
  machine.os.touch(0, 1000);
  EXPECT_EQ(charge(machine.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_EQ(machine.counters().failcnt.load(), 0U);
  EXPECT_EQ(machine.os.page_outs, 0);
  EXPECT_EQ(usage_of(machine.engine.view, machine.container), Pages{1000});
}

TEST(ChargeTest, AtTheLimitTheChargerReclaimsByItself) {
  Machine machine(kMarks, {}, false);
  machine.os.touch(0, 4090);
  EXPECT_EQ(charge(machine.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_LE(machine.os.resident() + 32, 4096U);
  EXPECT_EQ(machine.counters().failcnt.load(), 1U);
  EXPECT_EQ(machine.counters().allocstall.load(), 1U);
  EXPECT_EQ(machine.counters().evict_done.load(), 4090 - machine.os.resident());
  EXPECT_EQ(usage_of(machine.engine.view, machine.container), Pages{machine.os.resident()});
  EXPECT_TRUE(machine.os.killed.empty());
}

TEST(ChargeTest, TheFirstMeetingOfTheLimitIsTold) {
  Machine machine(kMarks, {}, false);
  machine.os.touch(0, 4000);
  charge(machine.engine, {Pages{96}, false});
  EXPECT_TRUE(machine.events(EventKind::kLimitMet).empty());
  for (int i = 0; i < 3; ++i) {
    machine.os.touch(0, 4090);
    charge(machine.engine, {Pages{32}, false});
  }
  EXPECT_GT(machine.counters().events_limit.load(), 1U);
  const auto told = machine.events(EventKind::kLimitMet);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].value[0], Pages{4090 + 32}.bytes());
  EXPECT_EQ(told[0].value[1], Pages{4096}.bytes());
}

TEST(ChargeTest, WhatIsAboutToBeTouchedIsChargedAhead) {
  Machine machine(kMarks, {}, false);
  machine.os.touch(0, 4000);
  EXPECT_EQ(charge(machine.engine, {Pages{96}, false}), Verdict::kRoom);
  EXPECT_EQ(machine.counters().failcnt.load(), 0U) << "4000 + 96 is the limit, not above it";
  EXPECT_EQ(charge(machine.engine, {Pages{97}, false}), Verdict::kRoom);
  EXPECT_EQ(machine.counters().failcnt.load(), 1U);
}

TEST(ChargeTest, OnlyAsMuchLeavesAsIsNeededOrOneBatch) {
  Machine machine(kMarks, {}, false);
  machine.os.touch(0, 4096);
  charge(machine.engine, {Pages{1}, false});
  EXPECT_GE(machine.os.resident(), 4096 - 2 * kDirectBatch.count);
}

TEST(ChargeTest, NothingReclaimableEndsInOneKillWithTheReportBefore) {
  Machine machine(kMarks);
  machine.os.touch(0, 4200);
  machine.os.pin(0, 4200);
  EXPECT_EQ(charge(machine.engine, {Pages{1}, false}), Verdict::kRoom);
  EXPECT_THAT(machine.os.killed, ElementsAre(kSelf));
  EXPECT_EQ(machine.counters().events_oom_kill.load(), 1U);
  const auto reports = machine.events(EventKind::kOom);
  const auto kills = machine.events(EventKind::kOomKill);
  ASSERT_EQ(reports.size(), 1U);
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_LT(reports[0].number, kills[0].number);
  EXPECT_THAT(reports[0].text, HasSubstr("Container out of memory"));
  EXPECT_THAT(kills[0].text, HasSubstr("Container out of memory"));
}

TEST(ChargeTest, TheWorstMemberGoesNotTheOneWhoAsked) {
  Machine machine(kMarks);
  machine.os.touch(0, 100);
  machine.os.pin(0, 100);
  machine.add_member(5001, 1500, 0);
  machine.add_member(5002, 2500, 0);
  charge(machine.engine, {Pages{1}, false});
  EXPECT_THAT(machine.os.killed, ElementsAre(5002));
}

TEST(ChargeTest, AnExemptMemberIsSpared) {
  Machine machine(kMarks);
  machine.os.touch(0, 100);
  machine.os.pin(0, 100);
  machine.add_member(5001, 1500, 0);
  machine.add_member(5002, 2500, -1000);
  charge(machine.engine, {Pages{1}, false});
  EXPECT_THAT(machine.os.killed, ElementsAre(5001));
}

TEST(ChargeTest, TheDeadAreForgottenBeforeAnybodyIsKilled) {
  Machine machine(kMarks);
  machine.os.touch(0, 100);
  machine.os.pin(0, 100);
  machine.add_member(5001, 4000, 0);
  machine.os.remove_process(5001);
  EXPECT_EQ(charge(machine.engine, {Pages{1}, false}), Verdict::kRoom);
  EXPECT_TRUE(machine.os.killed.empty());
  EXPECT_EQ(usage_of(machine.engine.view, machine.container), Pages{100});
}

TEST(ChargeTest, GroupPolicyTakesEveryMember) {
  Machine machine(kMarks, {OomPolicy::kGroup, 0});
  machine.os.touch(0, 100);
  machine.os.pin(0, 100);
  machine.add_member(5001, 1500, 0);
  machine.add_member(5002, 2600, 0);
  charge(machine.engine, {Pages{1}, false});
  EXPECT_THAT(machine.os.killed, ::testing::UnorderedElementsAre(kSelf, 5001, 5002));
}

TEST(ChargeTest, GroupPolicySparesTheExempt) {
  Machine machine(kMarks, {OomPolicy::kGroup, 0});
  machine.os.touch(0, 100);
  machine.os.pin(0, 100);
  machine.add_member(5001, 1500, 0);
  machine.add_member(5002, 2600, -1000);
  charge(machine.engine, {Pages{1}, false});
  EXPECT_THAT(machine.os.killed, ::testing::UnorderedElementsAre(kSelf, 5001));
}

TEST(ChargeTest, EnomemRefusesAnAllocationThatDoesNotFit) {
  Machine machine(kMarks, {OomPolicy::kEnomem, 0});
  machine.os.touch(0, 4000);
  machine.os.pin(0, 4000);
  EXPECT_EQ(charge(machine.engine, {Pages{1000}, true}), Verdict::kRefused);
  EXPECT_EQ(machine.counters().enomem.load(), 1U);
  EXPECT_TRUE(machine.os.killed.empty());
}

TEST(ChargeTest, EnomemServesAFaultFromTheReserveAndThenKills) {
  Machine machine(kMarks, {OomPolicy::kEnomem, 0});
  machine.os.touch(0, 4200);
  machine.os.pin(0, 4200);
  EXPECT_EQ(charge(machine.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_TRUE(machine.os.killed.empty()) << "within 1 MiB above the limit";
  machine.os.touch(4200, 300);
  machine.os.pin(4200, 300);
  charge(machine.engine, {Pages{32}, false});
  EXPECT_THAT(machine.os.killed, ElementsAre(kSelf));
}

TEST(ChargeTest, ForWhatCanNeverFitNothingIsPagedOut) {
  Machine machine(kMarks, {OomPolicy::kEnomem, 0}, false);
  machine.os.touch(0, 4000);
  EXPECT_EQ(charge(machine.engine, {Pages{4097}, true}), Verdict::kRefused);
  EXPECT_EQ(machine.os.resident(), 4000U);
}

TEST(ChargeTest, TheOthersMakeRoomForAllOfIt) {
  Machine machine(kMarks, {OomPolicy::kEnomem, 0}, false);
  machine.add_member(5001, 2000, 0);
  machine.os.touch(0, 1000);
  machine.os.pin(0, 1000);
  bool asked = false;
  machine.os.interleave(Call::kFutexWait, [&] {  // the other one's reclaimer
    asked = asked || headroom(machine.engine) == Pages{2000};
    if (asked) {
      machine.set_member(5001, 500);
    }
  });
  EXPECT_EQ(charge(machine.engine, {Pages{2000}, true}), Verdict::kRoom);
  EXPECT_TRUE(asked);
  EXPECT_EQ(headroom(machine.engine), Pages::none()) << "it is there: what is touched will be charged";
}

TEST(ChargeTest, WhoNeedsLessLeavesTheNeedOfAnotherAsItIs) {
  Machine machine(kMarks);
  call_for_help(machine.engine, machine.container, Pages{2000});
  call_for_help(machine.engine, machine.container, Pages::none());
  EXPECT_EQ(headroom(machine.engine), Pages{2000});
  machine.os.advance(200'000'000);  // the other one was killed, and is forgotten
  EXPECT_EQ(headroom(machine.engine), Pages::none());
  call_for_help(machine.engine, machine.container, Pages::none());
  EXPECT_EQ(headroom(machine.engine), Pages::none());
}

// What leaves comes back at once: the program is in it.
void come_back_at_once(Machine& machine) {
  machine.os.interleave(Call::kAdvise, [&machine] { machine.os.touch(0, 4100); });
}

TEST(ChargeTest, WhatDoesNotFitIsRefusedThoughPagesLeave) {
  Machine machine(kMarks, {OomPolicy::kEnomem, 0}, false);
  machine.os.touch(0, 4100);
  come_back_at_once(machine);
  EXPECT_EQ(charge(machine.engine, {Pages{3000}, true}), Verdict::kRefused);
}

TEST(ChargeTest, WhatIsTouchedAlreadyGoesOnWhilePagesLeave) {
  Machine machine(kMarks, {}, false);
  machine.os.touch(0, 4100);
  come_back_at_once(machine);
  EXPECT_EQ(charge(machine.engine, {Pages{3000}, false}), Verdict::kRoom);
  EXPECT_TRUE(machine.os.killed.empty());
}

TEST(ChargeTest, PauseWaitsItsSecondsAndThenKills) {
  Machine machine(kMarks, {OomPolicy::kPause, 5});
  machine.os.touch(0, 4200);
  machine.os.pin(0, 4200);
  const std::uint64_t start = machine.os.now_ns();
  charge(machine.engine, {Pages{1}, false});
  EXPECT_GE(machine.os.now_ns() - start, 5'000'000'000U);
  EXPECT_LT(machine.os.now_ns() - start, 10'000'000'000U);
  EXPECT_THAT(machine.os.killed, ElementsAre(kSelf));
}

TEST(ChargeTest, AFullSwapIsToldOnceAndNotAskedAgainSoon) {
  Machine machine(kMarks, {OomPolicy::kEnomem, 0});
  machine.os.set_swap_pages(0);
  machine.os.touch(0, 4000);
  EXPECT_EQ(charge(machine.engine, {Pages{1000}, true}), Verdict::kRefused);
  EXPECT_EQ(machine.events(EventKind::kNoSwap).size(), 1U);
  EXPECT_GT(machine.counters().evict_stayed[static_cast<int>(StayReason::kNoSwap)].load(), 0U);
  const int asked = machine.os.page_outs;
  EXPECT_EQ(charge(machine.engine, {Pages{1000}, true}), Verdict::kRefused);
  EXPECT_EQ(machine.os.page_outs, asked) << "a long back-off";
}

TEST(ChargeTest, WithoutAPlaceInTheBooksThereAreNoMarks) {
  Machine machine(kMarks);
  machine.os.touch(0, 5000);
  machine.engine.view.book(machine.engine.account.member()).release(kSelf);
  EXPECT_EQ(charge(machine.engine, {Pages{1}, false}), Verdict::kRoom);
  EXPECT_EQ(machine.counters().failcnt.load(), 0U);
}

TEST(ChargeTest, AnUnreadablePagemapIsNoLivelock) {
  Machine machine(kMarks);
  machine.os.touch(0, 4200);
  machine.os.remove_file("/proc/thread-self/pagemap");
  machine.os.fail(Call::kOpen, EACCES, 0);
  const std::uint64_t start = machine.os.now_ns();
  machine.os.fail(Call::kAdvise, EPERM);
  charge(machine.engine, {Pages{1}, false});
  EXPECT_LT(machine.os.now_ns() - start, 10'000'000'000U);
}

TEST(BadnessTest, IsThePagesOfAllKindsShiftedByThousandthsOfTheLimit) {
  EXPECT_EQ(badness(Pages{100}, Pages{20}, Pages{3}, 0, Pages{10000}), 123);
  EXPECT_EQ(badness(Pages{100}, Pages{20}, Pages{3}, 500, Pages{10000}), 123 + 5000);
  EXPECT_EQ(badness(Pages{100}, Pages{20}, Pages{3}, -10, Pages{10000}), 23);
  EXPECT_EQ(badness(Pages{100}, Pages{20}, Pages{3}, -1000, Pages{10000}), INT64_MIN);
}

}  // namespace
}  // namespace weir::testing
