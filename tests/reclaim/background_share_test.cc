// background_share_test.cc - several reclaimers at once: an excess is evicted once, each container for its own sake.
#include <gmock/gmock.h>

#include "reclaim/background.h"
#include "reclaim/in_place.h"
#include "tests/reclaim/members.h"

namespace weir::testing {
namespace {

class BackgroundShareTest : public ::testing::Test {
 protected:
  BackgroundShareTest() {
    members_.add_member(5001, 1500, 0);
  }
  LookResult look_once() {
    members_.engine.pagemap.open(members_.os);
    GrowthWatch watch;
    return look(members_.engine, watch, false);
  }
  // We hold so much that the container is at `usage`; high is 3584, low 3072.
  void use(std::uint64_t usage) {
    members_.os.touch(0, usage - 1500);
    members_.engine.account.refresh(members_.os, nullptr);
  }
  void others_evict(std::uint64_t pages) {
    members_.member(5001).leaving_pages.store(pages);
  }
  [[nodiscard]] std::uint64_t usage() const {
    return usage_of(members_.engine.view, members_.container).count;
  }
  // What is in a container of its own inside ours, with these marks.
  ContainerId nest(int pid, const Marks& marks, std::uint32_t index) {
    const ContainerId inner{index};
    ContainerRecord& record = members_.engine.view.container(inner);
    EXPECT_EQ(set_marks(record, marks), 0);
    record.swap_limit.store(UINT64_MAX);
    record.background.store(1);
    record.state.store(ContainerRecord::kLive);
    members_.engine.view.raw().parents[index].store(members_.container.index + 1);
    members_.engine.view.raw().header.nested.store(1);
    MemberId id;
    EXPECT_TRUE(members_.engine.view.find_member(static_cast<std::uint32_t>(pid), id));
    const BookEntry entry = members_.engine.view.book(id).load();
    EXPECT_TRUE(members_.engine.view.book(id).replace(entry, {entry.pid, inner, entry.charge}));
    return inner;
  }
  Members members_;
};

TEST_F(BackgroundShareTest, WhatOthersHaveInHandIsNotEvictedTwice) {
  use(3600);
  others_evict(400);
  EXPECT_TRUE(look_once().worked);
  EXPECT_LE(usage(), 3072U + 400);
  EXPECT_GT(usage(), 3072U + 400 - 2 * kMostPerCall.count) << "the rest is the other one's";
  EXPECT_GT(members_.os.resident(), 3600 - 1500 - 3 * kBackgroundBatch.count);
}

TEST_F(BackgroundShareTest, WhereOthersSeeToAllOfItNothingIsDone) {
  use(3600);
  others_evict(528);
  const LookResult result = look_once();
  EXPECT_TRUE(result.deferred);
  EXPECT_FALSE(result.worked || result.fruitless);
  EXPECT_EQ(usage(), 3600U);
}

TEST_F(BackgroundShareTest, OnePageThatNobodySeesToIsOurs) {
  use(3601);
  others_evict(528);
  EXPECT_TRUE(look_once().worked);
  EXPECT_LT(usage(), 3601U);
}

TEST_F(BackgroundShareTest, WhoWaitsAtTheLimitIsServedWhateverOthersDo) {
  use(3600);
  others_evict(528);
  members_.engine.waiters.store(1);
  EXPECT_TRUE(look_once().worked);
  EXPECT_GT(members_.engine.room.load(), 0U);
}

TEST_F(BackgroundShareTest, WhatWeHaveInHandIsOffTheBooksBeforeItIsOffTheCount) {
  use(3600);
  std::uint64_t most = 0;
  members_.os.interleave(Call::kPread, [&] { most = std::max(most, members_.self().leaving_pages.load()); });
  EXPECT_TRUE(look_once().worked);
  EXPECT_EQ(most, kBackgroundBatch.count) << "told before the first page left";
  EXPECT_EQ(members_.self().leaving_pages.load(), 0U);
}

TEST_F(BackgroundShareTest, WhatTheDeadHadInHandHoldsNobodyUp) {
  use(3600);
  others_evict(1000);
  members_.os.remove_process(5001);
  for (int i = 0; i < 3; ++i) {
    look_once();
    members_.os.advance(20 * kMs);
  }
  EXPECT_EQ(usage(), members_.os.resident()) << "the dead are forgotten, and so is what they promised";
}

TEST_F(BackgroundShareTest, ItIsTheContainerAboveItsMarkWhoseMarksMove) {
  use(2500);  // of ours 1000, in a container of its own
  const ContainerId inner = nest(kSelf, {Pages{1024}, Pages{900}, Pages{800}}, 9);
  members_.container_record().adaptive.store(1);
  members_.engine.view.container(inner).adaptive.store(1);
  const Marks outer = marks_of(members_.container_record());
  EXPECT_TRUE(look_once().worked);
  EXPECT_EQ(marks_of(members_.container_record()), outer) << "nothing happened there";
  EXPECT_NE(marks_of(members_.engine.view.container(inner)).high, Pages{900});
}

TEST_F(BackgroundShareTest, WhatLeavesBesideAContainerDoesNotHelpIt) {
  use(2500);
  nest(kSelf, {Pages{1024}, Pages{900}, Pages{400}}, 9);
  others_evict(1500);
  EXPECT_TRUE(look_once().worked);
  EXPECT_LE(members_.os.resident(), 400U);
}

TEST_F(BackgroundShareTest, AContainersMinimumDoesNotGuardItFromItsOwnMarks) {
  use(2500);
  const ContainerId inner = nest(kSelf, {Pages{1024}, Pages{900}, Pages{400}}, 9);
  members_.engine.view.container(inner).minimum.store(850);
  const LookResult result = look_once();
  EXPECT_FALSE(result.fruitless);
  EXPECT_LE(members_.os.resident(), 400U);
}

TEST_F(BackgroundShareTest, WhatAMinimumGuardsIsNotEvictedWhereItGrew) {
  use(3700);
  const ContainerId inner = nest(kSelf, {Pages{8000}, Pages{7000}, Pages{6000}}, 9);
  members_.engine.view.container(inner).minimum.store(4000);
  EXPECT_FALSE(reclaim_in_place(members_.engine)) << "others have to give";
  EXPECT_EQ(members_.os.resident(), 2200U);
  members_.engine.view.container(inner).minimum.store(2000);
  EXPECT_FALSE(reclaim_in_place(members_.engine)) << "one call may take 512 pages";
  members_.engine.view.container(inner).minimum.store(1500);
  EXPECT_TRUE(reclaim_in_place(members_.engine));
  EXPECT_LT(members_.os.resident(), 2200U);
  EXPECT_GE(members_.os.resident(), 1500U);
}

TEST_F(BackgroundShareTest, WhoHoldsNothingColdWaitsAMomentForThoseWhoRest) {
  use(3600);
  members_.member(5001).held_since_ns.store(members_.os.now_ns());
  members_.member(5001).reclaimer_tid.store(1);
  EXPECT_TRUE(look_once().deferred);
  members_.os.advance(10 * kMs - 1);
  EXPECT_TRUE(look_once().deferred);
  members_.os.advance(1);
  EXPECT_TRUE(look_once().worked) << "they had their time";
}

}  // namespace
}  // namespace weir::testing
