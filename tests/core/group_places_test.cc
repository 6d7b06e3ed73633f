// group_places_test.cc - places of thread groups: never taken for the process', gone with it.
#include <gtest/gtest.h>

#include "core/stats.h"
#include "core/usage.h"
#include "tests/core/support.h"

namespace weir::testing {
namespace {

class GroupPlacesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    home_ = registry_.make("home");
    io_ = registry_.make("home/io");
    registry_.os.add_process(kPid, FakeProcess{});
    const AttachResult attached = registry_.view.attach(registry_.os, kPid, home_);
    ASSERT_EQ(attached.failure, AttachFailure::kNone);
    process_ = attached.id;
  }
  MemberId add_group(std::uint32_t number) {
    const AttachResult group = registry_.view.attach_group(registry_.os, process_, number, io_);
    EXPECT_EQ(group.failure, AttachFailure::kNone);
    return group.id;
  }

  static constexpr std::uint32_t kPid = 4711;
  MemoryRegistry registry_;
  ContainerId home_;
  ContainerId io_;
  MemberId process_;
};

TEST_F(GroupPlacesTest, TheProcessIsFoundWhereverItsGroupsLie) {
  // Frees a place before the process', so that a group comes to lie there.
  registry_.os.add_process(1, FakeProcess{});
  const AttachResult other = registry_.view.attach(registry_.os, 1, home_);
  registry_.view.book(process_).release(kPid);
  registry_.os.add_process(2, FakeProcess{});
  const AttachResult first = registry_.view.attach(registry_.os, 2, home_);
  ASSERT_EQ(first.id, process_) << "the freed place is the first one";
  const AttachResult again = registry_.view.attach(registry_.os, kPid, home_);
  process_ = again.id;
  registry_.view.book(first.id).release(2);
  registry_.view.book(other.id).release(1);
  const MemberId group = add_group(0);
  EXPECT_LT(group.index, process_.index);
  MemberId found;
  ASSERT_TRUE(registry_.view.find_member(kPid, found));
  EXPECT_EQ(found, process_);
}

TEST_F(GroupPlacesTest, AGroupCountsInItsContainerAndAbove) {
  const MemberId group = add_group(3);
  registry_.view.book(process_).set_charge(kPid, Pages{100});
  registry_.view.book(group).set_charge(kPid, Pages{40});
  EXPECT_EQ(usage_of(registry_.view, io_), Pages{40});
  EXPECT_EQ(usage_of(registry_.view, home_), Pages{140});
}

TEST_F(GroupPlacesTest, AnExecTakesThePlaceOverAndFreesThoseOfTheGroups) {
  add_group(0);
  add_group(1);
  const AttachResult again = registry_.view.attach(registry_.os, kPid, home_);
  EXPECT_EQ(again.id, process_);
  EXPECT_EQ(members_of(registry_.view, io_), 0U);
  EXPECT_EQ(members_of(registry_.view, home_), 1U);
}

TEST_F(GroupPlacesTest, TheDeadLeaveNoGroup) {
  add_group(0);
  registry_.os.remove_process(kPid);
  EXPECT_EQ(reap_dead(registry_.os, registry_.view), 2U);
  EXPECT_EQ(members_of(registry_.view, io_), 0U);
}

TEST_F(GroupPlacesTest, WhoIsNoMemberHasNoGroup) {
  registry_.view.book(process_).release(kPid);
  EXPECT_EQ(registry_.view.attach_group(registry_.os, process_, 0, io_).failure, AttachFailure::kNoMemberPlace);
}

TEST_F(GroupPlacesTest, TheProcessIsChargedWhatItsGroupsAreNot) {
  MemberRecord& record = registry_.view.member(process_);
  record.groups_pages.store(30);
  EXPECT_EQ(own_share(record, Pages{100}), Pages{70});
  record.shared_pages.store(80);
  EXPECT_EQ(own_share(record, Pages{100}), Pages::none());
}

}  // namespace
}  // namespace weir::testing
