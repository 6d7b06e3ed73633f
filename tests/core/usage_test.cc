// usage_test.cc - usage as a sum over a tree of containers, marks that are set whole or not at all, peaks.
#include "core/usage.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/support.h"

namespace weir {
namespace {

using testing::MemoryRegistry;
using testing::mib;

class UsageTest : public ::testing::Test {
 protected:
  [[nodiscard]] Pages usage(ContainerId id) const {
    return usage_of(registry_.view, id);
  }
  [[nodiscard]] ContainerId at(std::string_view name) const {
    ContainerId id{UINT32_MAX};
    EXPECT_TRUE(registry_.view.find(name, id)) << name;
    return id;
  }

  MemoryRegistry registry_;
};

TEST_F(UsageTest, IsTheSumOfTheMembersCharges) {
  const ContainerId id = registry_.make("a");
  EXPECT_EQ(usage(id), Pages::none());
  registry_.add_member(1, id, Pages{100});
  const MemberId second = registry_.add_member(2, id, Pages{50});
  EXPECT_EQ(usage(id), Pages{150});
  registry_.view.book(second).set_charge(2, Pages{7});
  EXPECT_EQ(usage(id), Pages{107});
  registry_.view.book(second).release(2);
  EXPECT_EQ(usage(id), Pages{100});
}

TEST_F(UsageTest, MembersOfASubtreeAreThoseOfItsContainers) {
  const ContainerId child = registry_.make("a/b");
  registry_.add_member(1, child, Pages{1});
  registry_.add_member(2, at("a"), Pages{1});
  registry_.add_member(3, registry_.make("c"), Pages{1});
  EXPECT_EQ(members_of(registry_.view, at("a")), 1U);
  EXPECT_EQ(members_of(registry_.view, Subtree::below(registry_.view, at("a"))), 2U);
}

TEST_F(UsageTest, OtherContainersDoNotCount) {
  const ContainerId a = registry_.make("a");
  const ContainerId b = registry_.make("b");
  registry_.add_member(1, a, Pages{100});
  registry_.add_member(2, b, Pages{50});
  EXPECT_EQ(usage(a), Pages{100});
  EXPECT_EQ(usage(b), Pages{50});
}

TEST_F(UsageTest, AParentsUsageIncludesAllBelowIt) {
  registry_.make("a/b/c");
  registry_.make("a/d");
  registry_.make("e");
  registry_.add_member(1, at("a"), Pages{1});
  registry_.add_member(2, at("a/b"), Pages{20});
  registry_.add_member(3, at("a/b/c"), Pages{300});
  registry_.add_member(4, at("a/d"), Pages{4000});
  registry_.add_member(5, at("e"), Pages{50000});
  EXPECT_EQ(usage(at("a")), Pages{4321});
  EXPECT_EQ(usage(at("a/b")), Pages{320});
  EXPECT_EQ(usage(at("a/b/c")), Pages{300});
  EXPECT_EQ(usage(at("a/d")), Pages{4000});
  EXPECT_EQ(usage(at("e")), Pages{50000});
  EXPECT_EQ(members_of(registry_.view, at("a")), 1U) << "members are counted without those below";
}

TEST_F(UsageTest, TheDeepestContainerCountsInAllItsParents) {
  std::string name = "d";
  for (int depth = 1; depth < kMaxContainerDepth; ++depth) {
    name += "/d";
  }
  registry_.add_member(1, registry_.make(name), Pages{9});
  for (std::size_t length = 1; length <= name.size(); length += 2) {
    EXPECT_EQ(usage(at(name.substr(0, length))), Pages{9}) << name.substr(0, length);
  }
}

TEST_F(UsageTest, SumsBeyondOneEntrysRangeDoNotWrap) {
  const ContainerId id = registry_.make("a");
  for (int pid = 1; pid <= 4096; ++pid) {
    registry_.add_member(pid, id, Pages::all());
  }
  EXPECT_EQ(usage(id), Pages{4096 * std::uint64_t{UINT32_MAX}});
}

TEST_F(UsageTest, MovingAnEntryMovesItsWholeCharge) {
  const ContainerId a = registry_.make("a");
  const ContainerId b = registry_.make("b");
  const MemberId member = registry_.add_member(1, a, Pages{100});
  const BookEntry entry = registry_.view.book(member).load();
  ASSERT_TRUE(registry_.view.book(member).replace(entry, {entry.pid, b, entry.charge}));
  EXPECT_EQ(usage(a), Pages::none());
  EXPECT_EQ(usage(b), Pages{100});
}

TEST_F(UsageTest, ALoopOfParentsInADamagedFileEnds) {
  const ContainerId a = registry_.make("a");
  const ContainerId b = registry_.make("b");
  const ContainerId c = registry_.make("c");
  registry_.memory->parents[a.index].store(b.index + 1);
  registry_.memory->parents[b.index].store(a.index + 1);
  registry_.memory->parents[c.index].store(c.index + 1);
  registry_.add_member(1, a, Pages{10});
  registry_.add_member(2, c, Pages{5});
  EXPECT_GE(usage(a), Pages{10});
  EXPECT_EQ(usage(c), Pages{5});
}

TEST_F(UsageTest, AParentThatIsNoPlaceIsNone) {
  const ContainerId a = registry_.make("a");
  for (const std::uint32_t rubbish : {kMaxContainers + 1, UINT32_MAX}) {
    registry_.memory->parents[a.index].store(rubbish);
    ContainerId parent;
    EXPECT_FALSE(parent_of(registry_.view, a, parent)) << rubbish;
  }
}

TEST_F(UsageTest, ARubbishCountOfMembersIsNotBelieved) {
  const ContainerId a = registry_.make("a");
  registry_.add_member(1, a, Pages{10});
  registry_.memory->header.members_high.store(UINT32_MAX);
  EXPECT_LE(registry_.view.members_high(), kMaxMembers);
  EXPECT_EQ(usage(a), Pages{10});
}

TEST_F(UsageTest, MarksOutOfOrderAreRefusedAndChangeNothing) {
  const Marks before = {mib(64), mib(56), mib(48)};
  const ContainerId id = registry_.make("a", before);
  ContainerRecord& record = registry_.view.container(id);
  const std::uint32_t generation = record.generation.load();
  const Marks wrong[] = {{mib(64), mib(65), mib(48)},          {mib(64), mib(56), mib(57)},
                         {mib(64), mib(48), mib(56)},          {mib(32), mib(56), mib(48)},
                         {mib(64), Pages::all(), mib(48)},     {mib(64), Pages::all(), Pages::all()},
                         {Pages::all(), mib(1), Pages::all()}, {Pages::none(), mib(1), Pages::none()}};
  for (const Marks& marks : wrong) {
    EXPECT_EQ(set_marks(record, marks), EINVAL);
    EXPECT_EQ(marks_of(record), before);
    EXPECT_EQ(record.generation.load(), generation);
  }
}

TEST_F(UsageTest, MarksInOrderAreSetAndCounted) {
  const ContainerId id = registry_.make("a");
  ContainerRecord& record = registry_.view.container(id);
  const Marks right[] = {{mib(64), mib(56), mib(48)},
                         {mib(64), mib(64), mib(64)},
                         {Pages::all(), mib(56), mib(48)},
                         {Pages::all(), Pages::all(), Pages::all()},
                         {mib(64), mib(56), Pages::none()}};
  for (const Marks& marks : right) {
    const std::uint32_t generation = record.generation.load();
    EXPECT_EQ(set_marks(record, marks), 0);
    EXPECT_EQ(marks_of(record), marks);
    EXPECT_NE(record.generation.load(), generation) << "whoever caches the marks must see that they changed";
  }
}

class LeavingTest : public UsageTest {
 protected:
  MemberId add(int pid, ContainerId id, std::uint64_t charge, std::uint64_t leaving) {
    const MemberId member = registry_.add_member(pid, id, Pages{charge});
    registry_.view.member(member).leaving_pages.store(leaving);
    return member;
  }
  Pages leaving(ContainerId id, MemberId me) {
    return leaving_of(registry_.view, Subtree::below(registry_.view, id), me);
  }
};

TEST_F(LeavingTest, IsWhatTheOthersHaveInHand) {
  const ContainerId id = registry_.make("a");
  const MemberId me = add(1, id, 1000, 256);
  const MemberId other = add(2, id, 1000, 100);
  add(3, id, 1000, 30);
  EXPECT_EQ(leaving(id, me), Pages{130});
  EXPECT_EQ(leaving(id, other), Pages{286});
}

TEST_F(LeavingTest, CountsAllBelowAndNothingBeside) {
  const ContainerId inner = registry_.make("a/b");
  const MemberId me = add(1, at("a"), 1000, 0);
  add(2, inner, 1000, 20);
  add(3, registry_.make("c"), 1000, 300);
  EXPECT_EQ(leaving(at("a"), me), Pages{20});
  EXPECT_EQ(leaving(inner, me), Pages{20});
}

TEST_F(LeavingTest, NobodyGivesMoreThanItHolds) {
  const ContainerId id = registry_.make("a");
  const MemberId me = add(1, id, 1000, 0);
  add(2, id, 40, UINT64_MAX);
  EXPECT_EQ(leaving(id, me), Pages{40});
}

TEST_F(LeavingTest, APlaceThatWasGivenBackPromisesNothing) {
  const ContainerId id = registry_.make("a");
  const MemberId me = add(1, id, 1000, 0);
  const MemberId gone = add(2, id, 1000, 100);
  registry_.view.book(gone).release(2);
  EXPECT_EQ(leaving(id, me), Pages::none());
  registry_.add_member(3, id, Pages{1000});
  EXPECT_EQ(leaving(id, me), Pages::none()) << "nor to whom it belongs next";
}

TEST_F(UsageTest, ThePeakOnlyRises) {
  ContainerRecord& record = registry_.view.container(registry_.make("a", {mib(64), mib(56), mib(48)}));
  note_usage(record, mib(10));
  note_usage(record, mib(30));
  note_usage(record, mib(20));
  EXPECT_EQ(Pages{record.peak.load()}, mib(30));
  EXPECT_EQ(record.overshoot_peak.load(), 0U);
}

TEST_F(UsageTest, OvershootIsWhatWasSeenAboveTheLimit) {
  ContainerRecord& record = registry_.view.container(registry_.make("a", {mib(64), mib(56), mib(48)}));
  note_usage(record, mib(64));
  EXPECT_EQ(record.overshoot_peak.load(), 0U) << "at the limit is not above it";
  note_usage(record, mib(67));
  note_usage(record, mib(65));
  EXPECT_EQ(Pages{record.overshoot_peak.load()}, mib(3));
  EXPECT_EQ(Pages{record.peak.load()}, mib(67));
}

TEST_F(UsageTest, WithoutALimitNothingIsAboveIt) {
  ContainerRecord& record = registry_.view.container(registry_.make("a"));
  note_usage(record, Pages{UINT64_MAX - 1});
  EXPECT_EQ(record.overshoot_peak.load(), 0U);
}

}  // namespace
}  // namespace weir
