// meter_check_test.cc - growth that samples stand for, and growth that they do not.
#include "reclaim/meter_check.h"

#include <gtest/gtest.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

// High is 3584, the limit 4096.
class MeterCheckTest : public ::testing::Test {
 protected:
  MeterCheckTest() {
    engine_.view.adopt(*registry_);
    ContainerRecord& record = engine_.view.container(container_);
    EXPECT_EQ(set_marks(record, kMarks), 0);
    record.state.store(ContainerRecord::kLive);
    const AttachResult attached = engine_.view.attach(os_, kSelf, container_);
    engine_.account.bind(engine_.view, attached.id, kSelf);
    engine_.record().meter.store(static_cast<std::uint32_t>(Meter::kPerf));
    os_.advance(kMs);
    check_.compare(engine_);
  }
  void grow(long faults, long sampled, std::uint64_t for_ns = kMs) {
    os_.add_faults(faults);
    engine_.sampled.fetch_add(static_cast<std::uint32_t>(sampled));
    os_.advance(for_ns);
    check_.compare(engine_);
  }
  bool is_unseen_at(std::uint64_t usage) {
    os_.drop_all();
    os_.touch(0, usage);
    engine_.account.refresh(os_, nullptr);
    check_.judge(engine_, engine_.account.standing(Pages::none()));
    return !is_sampled(engine_);
  }

  MachineOs os_;
  std::unique_ptr<Registry> registry_ = std::make_unique<Registry>();
  ContainerId container_{1};
  Engine engine_{os_};
  MeterCheck check_;
};

TEST_F(MeterCheckTest, WhatSamplesStandForIsSeen) {
  grow(5000, 5000);
  EXPECT_FALSE(check_.has_news(engine_));
  EXPECT_FALSE(is_unseen_at(4090));
}

TEST_F(MeterCheckTest, FaultsThatAreMostOfASampleShortAreNoNews) {
  grow(5000, 4900);
  EXPECT_FALSE(check_.has_news(engine_));
  EXPECT_FALSE(is_unseen_at(4090));
  EXPECT_FALSE(check_.in_doubt(os_));
}

TEST_F(MeterCheckTest, ManyWithoutASampleAre) {
  grow(200, 0);
  EXPECT_TRUE(check_.has_news(engine_));
  EXPECT_TRUE(check_.in_doubt(os_));
  EXPECT_TRUE(is_unseen_at(4090));
  EXPECT_FALSE(check_.has_news(engine_)) << "it has been judged";
  grow(200, 0);
  EXPECT_TRUE(check_.has_news(engine_));
}

TEST_F(MeterCheckTest, FarFromTheMarkTheyDoNotMatter) {
  grow(200, 0);
  EXPECT_FALSE(is_unseen_at(3000));
}

TEST_F(MeterCheckTest, OnceUnseenItStaysSoBelowTheMarkUntilItEnds) {
  grow(200, 0);
  ASSERT_TRUE(is_unseen_at(4090));
  grow(100, 0);
  EXPECT_TRUE(is_unseen_at(3000));
  grow(100, 100, 60 * kMs);  // counted anew from here
  EXPECT_FALSE(check_.has_news(engine_)) << "it has been judged";
  grow(100, 100);
  EXPECT_TRUE(is_unseen_at(4090)) << "a moment longer, lest it change with each count";
  grow(100, 100, 60 * kMs);
  EXPECT_FALSE(is_unseen_at(4090));
}

TEST_F(MeterCheckTest, TheDoubtPasses) {
  grow(200, 0);
  EXPECT_TRUE(check_.in_doubt(os_));
  os_.advance(1001 * kMs);
  EXPECT_FALSE(check_.in_doubt(os_));
}

TEST_F(MeterCheckTest, WhatThreadsHadShortOfASampleDoesNotAddUp) {
  for (int i = 0; i < 20; ++i) {
    grow(60, 0, 60 * kMs);
    EXPECT_FALSE(is_unseen_at(4090)) << i;
  }
}

TEST_F(MeterCheckTest, ManyThreadsMayEachBeShortOfASample) {
  engine_.many_threads.store(true);
  grow(900, 0);
  EXPECT_FALSE(is_unseen_at(4090));
  grow(200, 0);
  EXPECT_TRUE(is_unseen_at(4090));
}

TEST_F(MeterCheckTest, SamplesThatRunAheadAreNotOwed) {
  grow(0, 5000);
  grow(200, 0);
  EXPECT_TRUE(is_unseen_at(4090));
}

TEST_F(MeterCheckTest, OurOwnFaultsAreNotThePrograms) {
  os_.add_thread_faults(200);
  grow(200, 0);
  EXPECT_FALSE(check_.has_news(engine_));
}

TEST_F(MeterCheckTest, TheFallbackHasNothingToBeComparedWith) {
  engine_.record().meter.store(static_cast<std::uint32_t>(Meter::kFallback));
  grow(200, 0);
  EXPECT_FALSE(check_.has_news(engine_));
  is_unseen_at(4090);
  EXPECT_FALSE(engine_.grows_unseen.load());
}

}  // namespace
}  // namespace weir::testing
