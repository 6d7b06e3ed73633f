// group_growth_test.cc - how far thread groups may have grown since they were counted, where no sample tells.
#include <gmock/gmock.h>

#include "reclaim/group_reclaim.h"
#include "tests/reclaim/threads_os.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Pages kCounted{3000};
constexpr int kWalker = 11;

// A process without marks; one group, whose high is 3584 and whose limit 4096 pages.
class GroupGrowthTest : public ::testing::Test {
 protected:
  GroupGrowthTest() {
    engine_.view.adopt(*registry_);
    name(kOwn, {Pages::all(), Pages::all(), Pages::all()});
    name(kOfGroup, kMarks);
    const AttachResult attached = engine_.view.attach(os_, kSelf, kOwn);
    engine_.account.bind(engine_.view, attached.id, kSelf);
    set_meter(Meter::kFallback);
    engine_.pagemap.open(os_);
    EXPECT_TRUE(engine_.groups.add(os_, engine_.view, engine_.account, kGroup, kOfGroup));
    engine_.groups.owners().set(os_, {kHeap, kHeap + (std::uintptr_t{1} << 30)}, engine_.groups.owner_mark(kGroup));
    os_.touch(0, kCounted.count);
    engine_.account.refresh(os_, nullptr);
    EXPECT_EQ(engine_.groups.scan(os_, engine_.pagemap), 0);
  }
  void set_meter(Meter meter) {
    engine_.record().meter.store(static_cast<std::uint32_t>(meter));
  }
  void grow(std::uint64_t pages) {
    os_.touch(os_.resident(), pages);
    engine_.account.refresh(os_, nullptr);
  }
  [[nodiscard]] Standing nearest() const {
    return nearest_standing(engine_, engine_.account.standing(Pages::none()));
  }
  std::vector<int> poke() {
    os_.advance(1'000'000);
    watch_.poke_if_needed(engine_, engine_.account.standing(Pages::none()));
    return std::exchange(os_.poked, {});
  }

  static constexpr ContainerId kOwn{1};
  static constexpr ContainerId kOfGroup{2};
  static constexpr GroupNumber kGroup = 0;

  ThreadsOs os_;
  std::unique_ptr<Registry> registry_ = std::make_unique<Registry>();
  Engine engine_{os_};
  GrowthWatch watch_;

 private:
  void name(ContainerId id, const Marks& marks) {
    ContainerRecord& record = engine_.view.container(id);
    record.limit.store(marks.limit.count);
    record.high_watermark.store(marks.high.count);
    record.low_watermark.store(marks.low.count);
    record.swap_limit.store(UINT64_MAX);
    record.state.store(ContainerRecord::kLive);
  }
};

TEST_F(GroupGrowthTest, WhatTheProcessHoldsMoreCountsAsIfItWereTheGroups) {
  EXPECT_EQ(nearest().room, kMarks.limit - kCounted);
  grow(700);
  EXPECT_EQ(engine_.groups.grown_since_scan(), Pages{700});
  EXPECT_EQ(nearest().container, kOfGroup);
  EXPECT_EQ(nearest().room, kMarks.limit - kCounted - Pages{700});
  EXPECT_EQ(engine_.groups.held(kGroup), kCounted) << "nothing to evict by";
}

TEST_F(GroupGrowthTest, AScanTells) {
  grow(700);
  EXPECT_EQ(engine_.groups.scan(os_, engine_.pagemap), 0);
  EXPECT_EQ(engine_.groups.grown_since_scan(), Pages::none());
  EXPECT_EQ(engine_.groups.held(kGroup), kCounted + Pages{700});
}

TEST_F(GroupGrowthTest, WhatLeavesDoesNotHideWhatComes) {
  const Pages left = evict_batch(engine_, engine_.pagemap, {Pages{256}, true, kGroup}).done;
  ASSERT_GE(left, Pages{256});
  engine_.account.refresh(os_, nullptr);
  EXPECT_EQ(engine_.groups.grown_since_scan(), Pages::none());
  os_.touch(10'000, left.count);
  engine_.account.refresh(os_, nullptr);
  EXPECT_EQ(engine_.groups.grown_since_scan(), left);
}

TEST_F(GroupGrowthTest, WhatIsGivenBackIsNoGrowth) {
  os_.free_pages(0, 500);
  engine_.account.refresh(os_, nullptr);
  EXPECT_EQ(engine_.groups.grown_since_scan(), Pages::none());
}

TEST_F(GroupGrowthTest, WhereSamplesTellItIsNotGoneBy) {
  set_meter(Meter::kPerf);
  grow(700);
  EXPECT_EQ(nearest().container, kOwn);
}

TEST_F(GroupGrowthTest, WhoMayHaveBroughtItToItsLimitIsPoked) {
  os_.set_thread(kWalker, 'R', 100, 100);
  EXPECT_THAT(poke(), IsEmpty());
  grow(1100);
  static_cast<void>(poke());  // seen for the first time
  os_.set_thread(kWalker, 'R', 400, 400);
  EXPECT_THAT(poke(), ElementsAre(kWalker));
}

}  // namespace
}  // namespace weir::testing
