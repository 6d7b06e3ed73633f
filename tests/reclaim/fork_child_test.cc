// fork_child_test.cc - a child finds nothing of what its parent's other threads were in the midst of.
#include "reclaim/fork_child.h"

#include <gtest/gtest.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

class ForkChildTest : public ::testing::Test {
 protected:
  Engine& engine() {
    return machine_.engine;
  }
  static constexpr Pages kLimit{4096};
  Machine machine_{{kLimit, Pages{3584}, Pages{3072}}};
};

TEST_F(ForkChildTest, LocksAreFree) {
  ReclaimLock* const locks[] = {&engine().shared.lock, &engine().direct_lock, &engine().evidence_lock};
  for (ReclaimLock* lock : locks) {
    ASSERT_TRUE(lock->lock(machine_.os, 0));
  }
  forget_parents_work(engine());
  for (ReclaimLock* lock : locks) {
    EXPECT_TRUE(lock->lock(machine_.os, 0));
  }
}

TEST_F(ForkChildTest, AReclaimerThatWasInTheAllocatorIsNotStuckThere) {
  const InAllocator purging(engine());
  ASSERT_NE(engine().in_allocator_ns.load(), 0U);
  forget_parents_work(engine());
  EXPECT_EQ(engine().in_allocator_ns.load(), 0U) << "who is at the limit would go on as if it waited for us";
}

TEST_F(ForkChildTest, ThereIsNoReclaimer) {
  engine().reclaimer_runs.store(true);
  engine().reclaimer_ready.store(true);
  engine().reclaimer_sleeps.store(true);
  engine().grows_unseen.store(true);
  engine().deferred_since_ns.store(machine_.os.now_ns());
  forget_parents_work(engine());
  EXPECT_FALSE(engine().reclaimer_runs.load());
  EXPECT_FALSE(engine().reclaimer_ready.load());
  EXPECT_FALSE(engine().reclaimer_sleeps.load());
  EXPECT_FALSE(engine().grows_unseen.load());
  EXPECT_EQ(engine().deferred_since_ns.load(), 0U);
  EXPECT_EQ(engine().interlude, nullptr);
}

TEST_F(ForkChildTest, NobodyElseWaitsOrAsks) {
  engine().many_threads.store(true);
  engine().waiters.store(3);
  engine().unserved.store(true);
  engine().asked_here.store(1);
  engine().purge_wanted.store(true);
  forget_parents_work(engine());
  EXPECT_FALSE(engine().many_threads.load());
  EXPECT_EQ(engine().waiters.load(), 0U);
  EXPECT_FALSE(engine().unserved.load());
  EXPECT_EQ(engine().asked_here.load(), 0U);
  EXPECT_FALSE(engine().purge_wanted.load());
}

TEST_F(ForkChildTest, TheGraceIsItsParentsToEnd) {
  engine().grace_check_ns.store(machine_.os.now_ns());
  engine().grace_tries = 2;
  forget_parents_work(engine());
  EXPECT_EQ(engine().grace_check_ns.load(), 0U);
  EXPECT_EQ(engine().grace_tries, 0);
}

TEST_F(ForkChildTest, WhatLeftIsStillKnown) {
  engine().evicted.store(100);
  engine().came_back.store(40);
  forget_parents_work(engine());
  EXPECT_EQ(engine().evicted.load(), 100U);
  EXPECT_EQ(engine().came_back.load(), 40U);
}

}  // namespace
}  // namespace weir::testing
