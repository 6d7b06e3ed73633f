// unseen_growth_test.cc - a limit that no fault meets: whose doing it was, how long it is borne, and what follows.
#include "reclaim/unseen_growth.h"

#include <gtest/gtest.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr Marks kSmall{Pages{1000}, Pages{900}, Pages{800}};
constexpr std::uint64_t kSecond = 1'000'000'000;

class UnseenGrowthTest : public ::testing::Test {
 protected:
  void start(OomChoice oom = {}) {
    machine_ = std::make_unique<Machine>(kSmall, oom);
    unseen_.begin(machine_->engine);
    hold(500);
  }
  // As of a look of the reclaimer's.
  std::int64_t hold(std::uint64_t pages, bool fruitless = true) {
    machine_->os.drop_all();
    machine_->os.touch(0, pages);
    machine_->engine.account.refresh(machine_->os, nullptr);
    LookResult result;
    result.worked = true;
    result.fruitless = fruitless;
    return unseen_.mind(machine_->engine, result);
  }
  void hold_for_seconds(std::uint64_t pages, int seconds, bool fruitless = true) {
    for (int i = 0; i < seconds * 4; ++i) {
      static_cast<void>(hold(pages, fruitless));
      machine_->os.advance(kSecond / 4);
    }
  }
  [[nodiscard]] bool killed() const {
    return !machine_->os.killed.empty();
  }

  std::unique_ptr<Machine> machine_;
  UnseenGrowth unseen_;
};

TEST_F(UnseenGrowthTest, ThePolicyDecidesAfterTwoSeconds) {
  start();
  hold_for_seconds(1500, 1);
  EXPECT_FALSE(killed());
  EXPECT_GT(hold(1500), 0) << "it is looked at again";
  hold_for_seconds(1500, 2);
  EXPECT_TRUE(killed());
  EXPECT_EQ(machine_->counters().failcnt.load(), 1U);
  EXPECT_EQ(machine_->counters().events_limit.load(), 1U);
}

TEST_F(UnseenGrowthTest, WhatItHeldBeforeTheFirstLookIsItsOwn) {
  machine_ = std::make_unique<Machine>(kSmall);
  unseen_.begin(machine_->engine);
  hold_for_seconds(1500, 3);
  EXPECT_TRUE(killed());
}

TEST_F(UnseenGrowthTest, BelowTheLimitNobodyLooksAgain) {
  start();
  EXPECT_LT(hold(999), 0);
  hold_for_seconds(999, 10);
  EXPECT_FALSE(killed());
}

TEST_F(UnseenGrowthTest, AsLongAsPagesLeaveThereIsTime) {
  start();
  hold_for_seconds(1500, 10, false);
  EXPECT_FALSE(killed());
}

TEST_F(UnseenGrowthTest, AMomentBelowBeginsItAnew) {
  start();
  hold_for_seconds(1500, 1);
  static_cast<void>(hold(900));
  hold_for_seconds(1500, 1);
  EXPECT_FALSE(killed());
}

TEST_F(UnseenGrowthTest, ALimitThatSomebodyLoweredIsTheirs) {
  start();
  ContainerRecord& record = machine_->engine.view.container(machine_->container);
  record.limit.store(300);
  record.generation.fetch_add(1);
  hold_for_seconds(500, 10);
  EXPECT_FALSE(killed());
}

TEST_F(UnseenGrowthTest, WhatOthersBringIsNotForUsToDecide) {
  start();
  machine_->add_member(77, 600, 0);
  hold_for_seconds(501, 10);
  EXPECT_FALSE(killed());
}

TEST_F(UnseenGrowthTest, TheReserveOfEnomemMayBeUsed) {
  start({OomPolicy::kEnomem, 0});
  hold_for_seconds(1200, 10);
  EXPECT_FALSE(killed()) << "a MiB is the reserve";
  hold_for_seconds(1500, 3);
  EXPECT_TRUE(killed());
}

TEST_F(UnseenGrowthTest, APauseIsKept) {
  start({OomPolicy::kPause, 10});
  hold_for_seconds(1500, 8);
  EXPECT_FALSE(killed());
  hold_for_seconds(1500, 4);
  EXPECT_TRUE(killed());
}

}  // namespace
}  // namespace weir::testing
