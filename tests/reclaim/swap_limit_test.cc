// swap_limit_test.cc - never more paged out than the limit, whoever else pages out meanwhile.
#include "reclaim/swap_limit.h"

#include <gmock/gmock.h>

#include "reclaim/charge.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

TEST(SwapLimitTest, WithoutALimitAllIsAllowed) {
  Machine machine(kMarks);
  const SwapAllowance allowance(machine.engine, Pages{1000});
  EXPECT_FALSE(allowance.limited());
  EXPECT_EQ(allowance.pages(), Pages{1000});
}

TEST(SwapLimitTest, WhatIsLeftOfTheLimitIsAllowed) {
  Machine machine(kMarks);
  machine.engine.container().swap_limit.store(300);
  {
    const SwapAllowance first(machine.engine, Pages{200});
    EXPECT_EQ(first.pages(), Pages{200});
    const SwapAllowance second(machine.engine, Pages{200});
    EXPECT_EQ(second.pages(), Pages{100}) << "what the first has promised counts";
  }
  EXPECT_EQ(machine.engine.record().swap_promised.load(), 0U);
}

TEST(SwapLimitTest, OtherMembersCountToo) {
  Machine machine(kMarks);
  machine.add_member(77, 100, 0);
  MemberId other;
  ASSERT_TRUE(machine.engine.view.find_member(77, other));
  machine.engine.view.member(other).swap_pages.store(250);
  machine.engine.container().swap_limit.store(300);
  EXPECT_EQ(SwapAllowance(machine.engine, Pages{200}).pages(), Pages{50});
}

TEST(SwapLimitTest, ReclaimStopsThereAndThePolicyDecides) {
  Machine machine(kMarks, {}, false);
  machine.engine.container().swap_limit.store(512);
  machine.os.touch(0, 4090);
  charge(machine.engine, {Pages{400}, false});
  EXPECT_LE(machine.os.swapped(), 512U);
  EXPECT_TRUE(machine.os.killed.empty());
  machine.os.touch(10000, 600);
  charge(machine.engine, {Pages{1}, false});
  EXPECT_LE(machine.os.swapped(), 512U);
  EXPECT_FALSE(machine.os.killed.empty());
  EXPECT_GT(machine.counters().evict_stayed[static_cast<std::size_t>(StayReason::kSwapLimit)].load(), 0U);
}

}  // namespace
}  // namespace weir::testing
