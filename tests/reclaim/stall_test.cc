// stall_test.cc - at the limit: what the reclaimer does meanwhile decides whether it was tried in vain.
#include "reclaim/stall.h"

#include <gmock/gmock.h>

#include "reclaim/charge.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;

// As far as the thread that grows can tell.
void run_a_reclaimer(Machine& machine) {
  machine.engine.reclaimer_runs.store(true);
  machine.engine.reclaimer_ready.store(true);
  machine.engine.account.refresh(machine.os, nullptr);
}

// Nothing can leave, but the allocator has 2000 pages free: the reclaimer, while we sleep, gives them back.
void purge_while_asleep(Machine& machine) {
  run_a_reclaimer(machine);
  machine.engine.purged_ns.store(machine.os.now_ns() - 1);
  machine.os.interleave(Call::kFutexWait, [&machine] {
    if (machine.engine.purge_wanted.exchange(false)) {
      machine.os.free_pages(0, 2000);
      machine.engine.account.refresh(machine.os, nullptr);
      machine.engine.purged_ns.store(machine.os.now_ns());
    }
  });
}

TEST(StallTest, NothingIsRefusedBeforeTheAllocatorGaveBackWhatIsFree) {
  Machine machine(kMarks, {OomPolicy::kEnomem, 0}, false);
  machine.os.set_swap_pages(0);
  machine.os.touch(0, 4000);
  purge_while_asleep(machine);
  EXPECT_EQ(charge(machine.engine, {Pages{1000}, true}), Verdict::kRoom);
  EXPECT_EQ(machine.os.resident(), 2000U);
}

TEST(StallTest, NorIsAnybodyKilled) {
  Machine machine(kMarks, {}, false);
  machine.os.set_swap_pages(0);
  machine.os.touch(0, 4200);
  purge_while_asleep(machine);
  EXPECT_EQ(charge(machine.engine, {Pages{32}, false}), Verdict::kRoom);
  EXPECT_TRUE(machine.os.killed.empty());
}

TEST(StallTest, AReclaimerThatCannotPurgeIsNotWaitedForLong) {
  Machine machine(kMarks, {OomPolicy::kEnomem, 0}, false);
  machine.os.set_swap_pages(0);
  machine.os.touch(0, 4000);
  run_a_reclaimer(machine);
  const std::uint64_t start = machine.os.now_ns();
  EXPECT_EQ(charge(machine.engine, {Pages{1000}, true}), Verdict::kRefused);
  EXPECT_LT(machine.os.now_ns() - start, 200'000'000U);
}

// Of many threads one, above the limit with memory that cannot leave.
class DelegatingTest : public ::testing::Test {
 protected:
  DelegatingTest() {
    machine_.engine.many_threads.store(true);
    machine_.os.touch(0, 4200);
    machine_.os.pin(0, 4200);
    run_a_reclaimer(machine_);
    machine_.engine.purged_ns.store(machine_.os.now_ns());
  }
  std::uint64_t time_to_charge() {
    const std::uint64_t start = machine_.os.now_ns();
    charge(machine_.engine, {Pages{32}, false});
    return machine_.os.now_ns() - start;
  }

  Machine machine_{kMarks};
};

TEST_F(DelegatingTest, AReclaimerThatGetsNoCoreIsNoProofThatNothingLeaves) {
  int waits = 0;
  machine_.os.interleave(Call::kFutexWait, [&] {
    if (++waits == 40) {  // 500 ms
      machine_.os.free_pages(0, 1000);
      machine_.engine.account.refresh(machine_.os, nullptr);
      machine_.engine.looks.fetch_add(1);
    }
  });
  time_to_charge();
  EXPECT_GE(waits, 40);
  EXPECT_TRUE(machine_.os.killed.empty());
}

TEST_F(DelegatingTest, OneThatLooksInVainIs) {
  machine_.os.interleave(Call::kFutexWait, [&] { machine_.engine.looks.fetch_add(1); });
  EXPECT_LT(time_to_charge(), 500'000'000U);
  EXPECT_THAT(machine_.os.killed, ElementsAre(kSelf));
}

TEST_F(DelegatingTest, OneThatNeverLooksIsWaitedForTwoSeconds) {
  const std::uint64_t took = time_to_charge();
  EXPECT_GE(took, 2'000'000'000U);
  EXPECT_LT(took, 3'000'000'000U);
  EXPECT_THAT(machine_.os.killed, ElementsAre(kSelf));
}

TEST_F(DelegatingTest, NorIsItWaitedForWhereMoreIsKnownToStayThanMayBeThere) {
  machine_.engine.record().unevictable_pages.store(4200);
  EXPECT_LT(time_to_charge(), 500'000'000U);
  EXPECT_THAT(machine_.os.killed, ElementsAre(kSelf));
}

TEST_F(DelegatingTest, WhoMayHoldTheLockThatTheReclaimerWaitsForGoesOn) {
  const InAllocator scope(machine_.engine);
  EXPECT_LT(time_to_charge(), 100'000'000U);
  EXPECT_TRUE(machine_.os.killed.empty());
}

TEST_F(DelegatingTest, AlsoWithinAGrace) {
  machine_.engine.container().grace_until_ns.store(machine_.os.now_ns() + 1'000'000'000);
  const InAllocator scope(machine_.engine);
  EXPECT_LT(time_to_charge(), 100'000'000U);
}

TEST_F(DelegatingTest, UnderEnomemTheAnswerDoesNotWaitForIt) {
  machine_.engine.container().oom_policy.store(static_cast<std::uint32_t>(OomPolicy::kEnomem));
  EXPECT_LT(time_to_charge(), 500'000'000U);
  EXPECT_TRUE(machine_.os.killed.empty());
}

// As the kernel's: who watches a stall of a minute need not wait for its end.
TEST(StallTimeTest, WhatLastsCountsWhileItLasts) {
  Machine machine(kMarks);
  StallTime time(machine.engine, machine.container);
  machine.os.advance(50'000'000);
  time.tick();
  EXPECT_EQ(machine.engine.container().some.total_ns.load(), 0U) << "not at every round";
  machine.os.advance(450'000'000);
  time.tick();
  EXPECT_EQ(machine.engine.container().some.total_ns.load(), 500'000'000U);
  EXPECT_EQ(machine.engine.container().full.total_ns.load(), 500'000'000U);
  machine.os.advance(10'000'000);
  EXPECT_EQ(time.end(), 510'000'000U);
  EXPECT_EQ(machine.engine.container().some.total_ns.load(), 510'000'000U);
}

// Above the limit by pages that leave and are back at once, but 300 ms of 320 by more that cannot leave.
class PausedTest : public ::testing::Test {
 protected:
  PausedTest() {
    machine_.os.touch(0, 4200);
    machine_.os.interleave(Call::kAdvise, [this] {
      machine_.os.unpin();
      machine_.os.pin(0, machine_.os.now_ns() / 1'000'000 % 320 < 20 ? 4000 : 4150);
      machine_.os.touch(4000, 200);
    });
  }
  std::uint64_t time_until_killed() {
    const std::uint64_t start = machine_.os.now_ns();
    for (int i = 0; i < 400 && machine_.os.killed.empty(); ++i) {
      machine_.os.advance(1'000'000);
      charge(machine_.engine, {Pages{32}, false});
    }
    return machine_.os.now_ns() - start;
  }

  Machine machine_{kMarks, {OomPolicy::kPause, 2}};
};

TEST_F(PausedTest, ALittleThatLeavesDoesNotMakeThePauseLonger) {
  const std::uint64_t took = time_until_killed();
  EXPECT_THAT(machine_.os.killed, ElementsAre(kSelf));
  EXPECT_GE(took, 2'000'000'000U);
  EXPECT_LT(took, 4'000'000'000U);
}

}  // namespace
}  // namespace weir::testing
