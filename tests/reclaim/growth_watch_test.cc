// growth_watch_test.cc - the fallback meter: when it looks again, and which threads it pokes.
#include "reclaim/growth_watch.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <cstring>

#include "tests/reclaim/threads_os.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t kMs = 1'000'000;

// High is 3584, the limit 4096.
class GrowthWatchTest : public ::testing::Test {
 protected:
  GrowthWatchTest() {
    engine_.view.adopt(*registry_);
    ContainerRecord& record = engine_.view.container(container_);
    EXPECT_EQ(set_marks(record, kMarks), 0);
    record.state.store(ContainerRecord::kLive);
    const AttachResult attached = engine_.view.attach(os_, kSelf, container_);
    engine_.account.bind(engine_.view, attached.id, kSelf);
    engine_.record().meter.store(static_cast<std::uint32_t>(Meter::kFallback));
  }
  std::vector<int> poke_at(std::uint64_t usage, GrowthWatch::After after = GrowthWatch::After::kBatch) {
    os_.advance(kMs);
    os_.drop_all();
    os_.touch(0, usage);
    engine_.account.refresh(os_, nullptr);
    watch_.poke_if_needed(engine_, engine_.account.standing(Pages::none()), after);
    return std::exchange(os_.poked, {});
  }
  // Thread 11 runs, is known, and has faulted 800 times since.
  void grow_beside() {
    os_.set_thread(11, 'R', 100, 0);
    poke_at(3900);
    os_.set_thread(11, 'R', 900, 0);
  }

  ThreadsOs os_;
  std::unique_ptr<Registry> registry_ = std::make_unique<Registry>();
  ContainerId container_{1};
  Engine engine_{os_};
  GrowthWatch watch_;
};

TEST_F(GrowthWatchTest, AtTheLimitAllItEverGrewCountsAtFirstSight) {
  os_.set_thread(11, 'R', 100, 0);
  os_.set_thread(12, 'R', 31, 0);
  os_.set_thread(13, 'S', 100, 0);
  EXPECT_THAT(poke_at(4100), ElementsAre(11));
  EXPECT_THAT(poke_at(4100), IsEmpty());
}

TEST_F(GrowthWatchTest, ForWhatIsAboutToBeTouchedNobodyIsPoked) {
  grow_beside();
  os_.advance(kMs);
  os_.drop_all();
  os_.touch(0, 3500);
  engine_.account.refresh(os_, nullptr);
  watch_.poke_if_needed(engine_, engine_.account.standing(Pages{500}));
  EXPECT_THAT(os_.poked, IsEmpty());
}

TEST_F(GrowthWatchTest, WhoRunsAndGrowsIsPoked) {
  os_.set_thread(11, 'R', 100, 0);
  os_.set_thread(12, 'R', 100, 0);
  os_.set_thread(13, 'S', 100, 0);
  EXPECT_THAT(poke_at(3900), IsEmpty()) << "nothing is known of them yet";
  os_.set_thread(11, 'R', 132, 0);
  os_.set_thread(12, 'R', 131, 0);
  os_.set_thread(13, 'S', 900, 0);
  EXPECT_THAT(poke_at(3900), ElementsAre(11)) << "12 takes back its stack, 13 sleeps";
}

TEST_F(GrowthWatchTest, OnceForWhatItGrew) {
  os_.set_thread(11, 'R', 100, 0);
  poke_at(3900);
  os_.set_thread(11, 'R', 200, 0);
  EXPECT_THAT(poke_at(3900), ElementsAre(11));
  EXPECT_THAT(poke_at(3900), IsEmpty());
}

TEST_F(GrowthWatchTest, SlowGrowthIsForgotten) {
  os_.set_thread(11, 'R', 100, 0);
  poke_at(3900);
  os_.advance(60 * kMs);
  poke_at(3900);
  os_.set_thread(11, 'R', 131, 0);
  os_.advance(60 * kMs);
  EXPECT_THAT(poke_at(3900), IsEmpty());
  os_.set_thread(11, 'R', 150, 0);
  EXPECT_THAT(poke_at(3900), IsEmpty()) << "19 in that time, not 50";
}

TEST_F(GrowthWatchTest, WhatItGrewLongAgoCountsAtTheLimitOnly) {
  grow_beside();
  os_.advance(60 * kMs);
  EXPECT_THAT(poke_at(3900), IsEmpty());
  os_.set_thread(11, 'R', 1800, 0);
  os_.advance(60 * kMs);
  EXPECT_THAT(poke_at(4100), ElementsAre(11));
}

TEST_F(GrowthWatchTest, WhereThereIsRoomNobodyIs) {
  grow_beside();
  EXPECT_THAT(poke_at(3500), IsEmpty());
}

TEST_F(GrowthWatchTest, BeforeAnythingWasDoneOnlyWhoFaultsIn) {
  os_.set_thread(11, 'R', 100, 100);
  os_.set_thread(12, 'R', 100, 100);
  poke_at(3900);
  os_.set_thread(11, 'R', 900, 100);
  os_.set_thread(12, 'R', 100, 200);
  EXPECT_THAT(poke_at(3700, GrowthWatch::After::kNothing), ElementsAre(12));
  EXPECT_THAT(poke_at(3990, GrowthWatch::After::kNothing), ElementsAre(11)) << "hardly any room is left";
}

TEST_F(GrowthWatchTest, UnderThePerfMeterNobodyIs) {
  engine_.record().meter.store(static_cast<std::uint32_t>(Meter::kPerf));
  grow_beside();
  EXPECT_THAT(poke_at(3900), IsEmpty());
}

TEST_F(GrowthWatchTest, UnlessItGrowsByWhatNoSampleStandsFor) {
  engine_.record().meter.store(static_cast<std::uint32_t>(Meter::kPerf));
  grow_beside();
  os_.add_faults(800);
  engine_.sampled.fetch_add(800);
  EXPECT_THAT(poke_at(4100), IsEmpty());
  os_.set_thread(11, 'R', 1700, 0);
  os_.add_faults(800);
  EXPECT_THAT(poke_at(4100), ElementsAre(11));
}

TEST_F(GrowthWatchTest, InAnInterludeToo) {
  engine_.record().meter.store(static_cast<std::uint32_t>(Meter::kPerf));
  watch_.open(engine_);
  grow_beside();
  os_.add_faults(800);
  os_.touch(3900, 200);
  os_.advance(kMs);
  watch_.interlude();
  EXPECT_THAT(os_.poked, ElementsAre(11));
  watch_.close(engine_);
}

TEST_F(GrowthWatchTest, NorMoreOftenThanFiveTimesAMillisecond) {
  grow_beside();
  watch_.poke_if_needed(engine_, engine_.account.standing(Pages::none()));
  EXPECT_THAT(os_.poked, IsEmpty());
  os_.advance(kMs / 5);
  watch_.poke_if_needed(engine_, engine_.account.standing(Pages::none()));
  EXPECT_THAT(os_.poked, ElementsAre(11));
}

TEST_F(GrowthWatchTest, WhoIsTracedIsLeftToItsDebugger) {
  grow_beside();
  os_.put_file("/proc/" + std::to_string(kSelf) + "/status", "Name:\tfake\nTracerPid:\t77\nVmSwap:\t0 kB\n");
  os_.advance(30 * kMs);  // it is asked anew now and then
  watch_.poke_if_needed(engine_, engine_.account.standing(Pages::none()));
  EXPECT_THAT(os_.poked, IsEmpty());
}

TEST_F(GrowthWatchTest, TheNearerTheMarkTheSoonerItLooks) {
  std::int64_t before = INT64_MAX;
  for (const std::uint64_t usage : {500UL, 2000UL, 3000UL, 3400UL}) {
    os_.touch(0, usage);
    os_.page_out_all();
    os_.touch(0, usage);  // it grows: these are faults
    engine_.account.refresh(os_, nullptr);
    const std::int64_t pause = watch_.plan(engine_, engine_.account.standing(Pages::none()));
    EXPECT_LT(pause, before) << usage;
    EXPECT_GE(pause, 200'000) << usage;
    before = pause;
  }
}

TEST_F(GrowthWatchTest, AllCoresMayGrow) {
  const auto plan = [&] {
    os_.add_faults(100);
    return watch_.plan(engine_, engine_.account.standing(Pages::none()));
  };
  os_.touch(0, 2000);
  engine_.account.refresh(os_, nullptr);
  const std::int64_t alone = plan();
  ASSERT_GT(alone, 0);
  engine_.many_threads.store(true);
  ASSERT_GT(os_.cores(), 1);
  EXPECT_EQ(plan(), alone / os_.cores());
}

TEST_F(GrowthWatchTest, WhoDoesNotFaultIsNotPolled) {
  os_.touch(0, 3500);
  engine_.account.refresh(os_, nullptr);
  watch_.plan(engine_, engine_.account.standing(Pages::none()));
  EXPECT_LT(watch_.plan(engine_, engine_.account.standing(Pages::none())), 0);
}

}  // namespace
}  // namespace weir::testing
