// placement_test.cc - what a flush costs, who therefore evicts, and where the reclaimer runs.
#include "reclaim/placement.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr std::uint32_t kDear = 17'000;
constexpr std::uint32_t kCheap = 1'500;

CpuSet cpus(std::initializer_list<unsigned> numbers) {
  CpuSet set;
  for (const unsigned number : numbers) {
    set.add(number);
  }
  return set;
}

bool same(const CpuSet& a, const CpuSet& b) {
  return std::equal(std::begin(a.words), std::end(a.words), std::begin(b.words));
}

class PlacementTest : public ::testing::Test {
 protected:
  PlacementTest() {
    machine_.engine.reclaimer_runs.store(true);
    machine_.engine.record().meter.store(static_cast<std::uint32_t>(Meter::kPerf));
    machine_.os.cpus = cpus({0, 1});
  }
  void flush_takes(std::uint32_t ns) {
    machine_.engine.view.raw().header.flush_ns.store(ns);
  }
  // Enough batches for what left before to be forgotten.
  void left(std::uint64_t done, std::uint64_t small) {
    for (int i = 0; i < 100; ++i) {
      machine_.engine.placement.note_left(Pages{done}, Pages{small});
    }
  }

  Machine machine_{kMarks};
  Engine& engine_ = machine_.engine;
};

TEST_F(PlacementTest, WhileNobodyKnowsTheReclaimerEvicts) {
  EXPECT_TRUE(flush_is_unknown(engine_));
  EXPECT_FALSE(evicts_in_place(engine_));
}

TEST_F(PlacementTest, OnOneCoreThereIsNothingToFindOut) {
  machine_.os.set_cores(1);
  EXPECT_FALSE(flush_is_unknown(engine_));
}

TEST_F(PlacementTest, ACheapFlushLeavesItToTheReclaimer) {
  flush_takes(kCheap);
  EXPECT_FALSE(flush_is_unknown(engine_));
  EXPECT_FALSE(evicts_in_place(engine_));
}

TEST_F(PlacementTest, ADearOneToTheThread) {
  flush_takes(kDear);
  EXPECT_TRUE(evicts_in_place(engine_));
}

TEST_F(PlacementTest, NotWhereOthersRunOrNobodySamples) {
  flush_takes(kDear);
  engine_.many_threads.store(true);
  EXPECT_FALSE(evicts_in_place(engine_));
  engine_.many_threads.store(false);
  engine_.record().meter.store(static_cast<std::uint32_t>(Meter::kFallback));
  EXPECT_FALSE(evicts_in_place(engine_));
  engine_.record().meter.store(static_cast<std::uint32_t>(Meter::kPerf));
  engine_.reclaimer_runs.store(false);
  EXPECT_FALSE(evicts_in_place(engine_));
}

TEST_F(PlacementTest, HugePagesAreFlushedAsOne) {
  flush_takes(kDear);
  left(512, 0);
  EXPECT_FALSE(evicts_in_place(engine_));
  left(512, 512);
  EXPECT_TRUE(evicts_in_place(engine_));
  left(512, 128);
  EXPECT_FALSE(evicts_in_place(engine_)) << "a quarter of 17 us is less than the page-out";
}

TEST_F(PlacementTest, AHandfulOfPagesSaysNothing) {
  flush_takes(kDear);
  left(15, 0);
  EXPECT_TRUE(evicts_in_place(engine_));
}

TEST_F(PlacementTest, WithoutBackgroundReclaimNobodyFollows) {
  flush_takes(kDear);
  engine_.container().background.store(0);
  EXPECT_FALSE(keeps_to_one_core(engine_));
}

TEST_F(PlacementTest, TheReclaimerFollowsTheThreadAndComesBack) {
  flush_takes(kDear);
  machine_.os.set_cpu(1);
  engine_.placement.note_core(machine_.os);
  engine_.placement.follow(engine_);
  EXPECT_TRUE(same(machine_.os.cpus, cpus({1})));
  machine_.os.cpus = cpus({0, 1});  // what the program's first thread may use
  engine_.many_threads.store(true);
  engine_.placement.follow(engine_);
  EXPECT_TRUE(same(machine_.os.cpus, cpus({0, 1})));
}

TEST_F(PlacementTest, OneThatWasStartedOnACoreIsNotLeftThere) {
  flush_takes(kDear);
  engine_.placement.begin(machine_.os, true);
  engine_.many_threads.store(true);  // by the time it looks
  machine_.os.cpus = cpus({0, 1, 2});
  engine_.placement.follow(engine_);
  EXPECT_EQ(machine_.os.cpus_set, 1);
}

TEST_F(PlacementTest, OneThatWasStartedAnywhereIsLeftAlone) {
  flush_takes(kCheap);
  engine_.placement.begin(machine_.os, false);
  engine_.placement.follow(engine_);
  EXPECT_EQ(machine_.os.cpus_set, 0);
}

TEST_F(PlacementTest, WhereItIsCheapItStaysWhereItIs) {
  flush_takes(kCheap);
  engine_.placement.note_core(machine_.os);
  engine_.placement.follow(engine_);
  EXPECT_TRUE(same(machine_.os.cpus, cpus({0, 1})));
}

TEST_F(PlacementTest, TheThreadWorksForAMomentAfterItDid) {
  EXPECT_FALSE(engine_.placement.thread_works(machine_.os.now_ns()));
  engine_.placement.note_work(machine_.os.now_ns());
  EXPECT_TRUE(engine_.placement.thread_works(machine_.os.now_ns() + 19'000'000));
  EXPECT_FALSE(engine_.placement.thread_works(machine_.os.now_ns() + 21'000'000));
}

// The real clock, cores and flushes: two threads, as at the start of a reclaimer.
TEST(PlacementMeasureTest, MeasuresFromAnotherCoreWhileTheThreadSpins) {
  CpuSet all;
  ASSERT_TRUE(raw_os().get_cpus(0, all).ok());
  if (all.count() < 2) {
    GTEST_SKIP() << "needs two cores";
  }
  auto registry = std::make_unique<Registry>();
  std::uint32_t found = 0;
  constexpr std::uint64_t kPatienceNs = 60'000'000'000;  // a loaded machine may not let both run at once
  for (const std::uint64_t start = raw_os().now_ns(); found == 0 && raw_os().now_ns() - start < kPatienceNs;) {
    Engine engine{raw_os()};
    engine.view.adopt(*registry);
    engine.placement.note_core(raw_os());
    std::thread other([&] { engine.placement.measure_flush(engine); });
    engine.placement.spin_for_measuring(engine);
    other.join();
    found = registry->header.flush_ns.load();
  }
  EXPECT_GT(found, 0U);
  EXPECT_LT(found, 100'000'000U);
}

TEST(PlacementMeasureTest, WithoutAThreadThatSpinsNothingIsKept) {
  auto registry = std::make_unique<Registry>();
  Engine engine{raw_os()};
  engine.view.adopt(*registry);
  engine.placement.note_core(raw_os());
  std::thread([&] { engine.placement.measure_flush(engine); }).join();
  EXPECT_EQ(registry->header.flush_ns.load(), 0U);
}

TEST(StayOnCoreTest, IsOverWhenItEnds) {
  CpuSet before;
  ASSERT_TRUE(raw_os().get_cpus(0, before).ok());
  {
    const StayOnCore stay(raw_os(), true);
    CpuSet within;
    ASSERT_TRUE(raw_os().get_cpus(0, within).ok());
    EXPECT_EQ(within.count(), 1U);
  }
  CpuSet after;
  ASSERT_TRUE(raw_os().get_cpus(0, after).ok());
  EXPECT_TRUE(same(before, after));
}

TEST(StayOnCoreTest, UnwantedItDoesNothing) {
  CpuSet before;
  ASSERT_TRUE(raw_os().get_cpus(0, before).ok());
  const StayOnCore stay(raw_os(), false);
  CpuSet within;
  ASSERT_TRUE(raw_os().get_cpus(0, within).ok());
  EXPECT_TRUE(same(before, within));
}

}  // namespace
}  // namespace weir::testing
