// free_keeper_test.cc - large free blocks stay while they are taken again, and go when nobody takes any more.
#include "reclaim/free_keeper.h"

#include <gtest/gtest.h>

#include "tests/reclaim/machine.h"

namespace weir {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

int kept = -1;  // what the allocator was told last
int refusals = 0;

bool tell_allocator(bool keep) {
  if (refusals > 0) {
    --refusals;
    return false;
  }
  kept = keep ? 1 : 0;
  return true;
}

class FreeKeeperTest : public ::testing::Test {
 protected:
  FreeKeeperTest() {
    kept = -1;
    refusals = 0;
    machine_.engine.keep_large = tell_allocator;
  }
  std::int64_t turn(bool bounded = true) {
    return machine_.engine.free_keeper.turn(machine_.engine, bounded);
  }
  void take(int blocks = 1) {
    for (int i = 0; i < blocks; ++i) {
      machine_.engine.free_keeper.take(machine_.engine);
    }
  }
  testing::Machine machine_{{Pages{1000}, Pages{900}, Pages{800}}};
};

TEST_F(FreeKeeperTest, NothingIsToldWhereNothingLargeIsTaken) {
  EXPECT_EQ(turn(), -1);
  EXPECT_EQ(kept, -1);
  EXPECT_FALSE(machine_.engine.free_keeper.is_worth_a_reclaimer());
}

TEST_F(FreeKeeperTest, TheyStayWhileTheyAreTakenAndGoAfterwards) {
  take(FreeKeeper::kWorthIt);
  EXPECT_TRUE(machine_.engine.free_keeper.is_worth_a_reclaimer());
  EXPECT_EQ(turn(), static_cast<std::int64_t>(FreeKeeper::kQuietNs));
  EXPECT_EQ(kept, 1);
  machine_.os.advance(9 * kSecond);
  take();
  EXPECT_EQ(turn(), static_cast<std::int64_t>(FreeKeeper::kQuietNs)) << "the clock starts anew";
  machine_.os.advance(9 * kSecond);
  EXPECT_EQ(turn(), static_cast<std::int64_t>(kSecond));
  EXPECT_EQ(kept, 1);
  machine_.os.advance(kSecond);
  EXPECT_EQ(turn(), -1) << "an idle process is not woken";
  EXPECT_EQ(kept, 0);
}

TEST_F(FreeKeeperTest, TheFirstOneAfterARestWakesTheReclaimer) {
  take();
  turn();
  machine_.os.advance(FreeKeeper::kQuietNs);
  ASSERT_EQ(turn(), -1);
  machine_.engine.reclaimer_sleeps.store(true);
  const std::uint32_t before = machine_.engine.record().wake.load();
  take(3);
  EXPECT_EQ(machine_.engine.record().wake.load(), before + 1) << "once, not for each";
  turn();
  EXPECT_EQ(kept, 1);
}

TEST_F(FreeKeeperTest, WithoutALimitNothingStays) {
  take();
  EXPECT_EQ(turn(false), -1);
  EXPECT_EQ(kept, -1);
  turn(true);
  EXPECT_EQ(kept, 1);
  turn(false);
  EXPECT_EQ(kept, 0) << "the limit was taken away";
}

TEST_F(FreeKeeperTest, AnAllocatorThatHasNoneYetIsAskedAFewTimes) {
  refusals = 1;
  take();
  const std::int64_t soon = turn();
  EXPECT_GT(soon, 0);
  EXPECT_LT(soon, static_cast<std::int64_t>(kSecond));
  EXPECT_EQ(turn(), static_cast<std::int64_t>(FreeKeeper::kQuietNs));
  EXPECT_EQ(kept, 1);
}

TEST_F(FreeKeeperTest, AnAllocatorThatRefusesForGoodIsLeftAlone) {
  refusals = 1000;
  take();
  int turns = 0;
  while (turns < 100 && turn() >= 0) {
    ++turns;
  }
  EXPECT_LT(turns, 10);
  EXPECT_EQ(kept, -1);
}

TEST_F(FreeKeeperTest, AForkChildKnowsThatItsAllocatorKeeps) {
  EXPECT_FALSE(machine_.engine.free_keeper.forget());
  take();
  turn();
  EXPECT_TRUE(machine_.engine.free_keeper.forget());
  EXPECT_FALSE(machine_.engine.free_keeper.forget());
  EXPECT_EQ(turn(), -1);
}

TEST_F(FreeKeeperTest, NothingStaysWhenTheReclaimerEnds) {
  take();
  turn();
  machine_.engine.free_keeper.stop(machine_.engine);
  EXPECT_EQ(kept, 0);
}

}  // namespace
}  // namespace weir
