// move_test.cc - moving a member: what the plan counts, and what a move does and tells.
#include "core/move.h"

#include "tests/core/move_support.h"

namespace weir {
namespace {

using testing::mib;

using MoveTest = MoveFixture;

TEST_F(MoveTest, ThePlanCountsWhatIsNeededAndWhatThereIs) {
  registry_.make("a");
  registry_.make("b", limited(mib(64)));
  add(kOther, "b", mib(40));
  const MovePlan fitting = plan(add(kPid, "a", mib(24)), "b");
  EXPECT_EQ(fitting.needed, mib(24));
  EXPECT_EQ(fitting.destination.usage, mib(40));
  EXPECT_EQ(fitting.destination.limit, mib(64));
  EXPECT_EQ(fitting.destination.room(), mib(24));
  EXPECT_TRUE(fitting.fits()) << "exactly";
  const MovePlan surplus = plan(add(kPid + 1, "a", mib(24) + Pages{1}), "b");
  EXPECT_FALSE(surplus.fits());
  EXPECT_EQ(surplus.tightest.lacking(surplus.needed), Pages{1});
}

TEST_F(MoveTest, WithoutALimitThereIsAlwaysRoom) {
  registry_.make("a");
  registry_.make("b");
  const MovePlan wide = plan(add(kPid, "a", Pages{UINT32_MAX}), "b");
  EXPECT_TRUE(wide.fits());
  EXPECT_TRUE(wide.tightest.room().unlimited());
}

TEST_F(MoveTest, AnAncestorOfTheDestinationMayBeTheTightest) {
  registry_.make("a");
  registry_.make("top", limited(mib(32)));
  registry_.make("top/b", limited(mib(64)));
  registry_.make("top/c");
  add(kOther, "top/c", mib(20));
  const MovePlan made = plan(add(kPid, "a", mib(24)), "top/b");
  EXPECT_EQ(made.destination.room(), mib(64));
  EXPECT_EQ(made.tightest.id, at("top"));
  EXPECT_EQ(made.tightest.lacking(made.needed), mib(12));
}

TEST_F(MoveTest, CommonAncestorsHoldTheChargeAlreadyAndNeedNoRoom) {
  registry_.make("top", limited(mib(32)));
  registry_.make("top/a");
  registry_.make("top/b");
  const MemberId member = add(kPid, "top/a", mib(30));
  EXPECT_TRUE(plan(member, "top/b").fits());
  EXPECT_TRUE(plan(member, "top").fits()) << "its own parent";
  registry_.view.container(at("top/b")).limit.store(mib(29).count);
  EXPECT_FALSE(plan(member, "top/b").fits());
}

TEST_F(MoveTest, FromAParentOnlyTheChildNeedsRoom) {
  registry_.make("top", limited(mib(16)));
  registry_.make("top/b", limited(mib(24)));
  const MemberId member = add(kPid, "top", mib(20));
  EXPECT_TRUE(plan(member, "top/b").fits()) << "top is above its limit as it was before";
}

TEST_F(MoveTest, AnExceededLimitLacksItsExcessToo) {
  registry_.make("a");
  registry_.make("b", limited(mib(16)));
  add(kOther, "b", mib(20));
  const MovePlan made = plan(add(kPid, "a", mib(4)), "b");
  EXPECT_EQ(made.destination.room(), Pages::none());
  EXPECT_EQ(made.tightest.lacking(made.needed), mib(8));
}

TEST_F(MoveTest, LookingChangesNoEntryAndSaysNothing) {
  registry_.make("a");
  registry_.make("b", limited(mib(16)));
  add(kPid, "a", mib(24));
  const auto before = books();
  EXPECT_EQ(look_at_move(registry_.os, registry_.view, {kPid, "b"}).failure, MoveFailure::kNoRoom);
  EXPECT_EQ(books(), before);
  EXPECT_TRUE(moves().empty());
}

TEST_F(MoveTest, FiguresAreReadAnewFirst) {
  registry_.make("a");
  registry_.make("b", limited(mib(16)));
  const MemberId member = add(kPid, "a", mib(4));
  registry_.os.add_process(kPid, {.resident_pages = mib(20).count});
  EXPECT_EQ(look_at_move(registry_.os, registry_.view, {kPid, "b"}).failure, MoveFailure::kNoRoom);
  EXPECT_EQ(registry_.view.book(member).load().charge, mib(20));
}

// --- moves ---

TEST_F(MoveTest, MovesTheWholeChargeTellsItAndWakesTheMember) {
  registry_.make("a");
  registry_.make("b", limited(mib(64)));
  const MemberId member = add(kPid, "a", mib(24));
  const MoveResult result = move(kPid, "b");
  EXPECT_EQ(result.failure, MoveFailure::kNone);
  EXPECT_EQ(result.moved, mib(24));
  EXPECT_EQ(usage("a"), Pages::none());
  EXPECT_EQ(usage("b"), mib(24));
  EXPECT_EQ(Pages{registry_.view.container(at("b")).peak.load()}, mib(24));
  EXPECT_EQ(registry_.view.member(member).wake.load(), 1U);
  ASSERT_EQ(moves().size(), 1U);
  EXPECT_STREQ(moves()[0].text, "moved from a to b, policy reserve");
  EXPECT_EQ(moves()[0].container, at("b"));
  EXPECT_EQ(moves()[0].pid, kPid);
  EXPECT_EQ(moves()[0].value[0], mib(24).bytes());
}

TEST_F(MoveTest, LongNamesLeaveTheEventItsPolicy) {
  const std::string deep = std::string(60, 'x') + "/" + std::string(60, 'y');
  registry_.make("a");
  registry_.make(deep);
  add(kPid, "a", mib(1));
  ASSERT_EQ(move(kPid, deep, MovePolicy::kLazy).failure, MoveFailure::kNone);
  EXPECT_EQ(moves()[0].text, "moved from a to " + std::string(40, 'y') + ", policy lazy");
}

TEST_F(MoveTest, OnlyLivingMembersMove) {
  registry_.make("a");
  registry_.make("b");
  add(kPid, "a", mib(1));
  registry_.os.add_process(300, {});
  EXPECT_EQ(move(300, "b").failure, MoveFailure::kNotMember);
  EXPECT_EQ(move(0, "b").failure, MoveFailure::kNotMember) << "a free place is nobody's";
  EXPECT_EQ(move(kPid, "c").failure, MoveFailure::kNoContainer);
  EXPECT_EQ(move(kPid, "a").failure, MoveFailure::kAlready);
  registry_.os.remove_process(kPid);
  EXPECT_EQ(move(kPid, "b").failure, MoveFailure::kDead);
  EXPECT_TRUE(moves().empty());
  EXPECT_EQ(usage("b"), Pages::none());
}

TEST_F(MoveTest, LazyMovesAboveTheLimitAndLeavesItToTheMoverWhoGivesBackFirst) {
  registry_.make("a");
  registry_.make("top", limited(mib(16)));
  registry_.make("top/b");
  registry_.make("top/c");
  const MemberId near = add(kOther, "top/c", mib(10));
  const MemberId member = add(kPid, "a", mib(10));
  const MoveResult result = move(kPid, "top/b", MovePolicy::kLazy);
  EXPECT_EQ(result.failure, MoveFailure::kNone);
  EXPECT_EQ(result.above, mib(4));
  EXPECT_EQ(Pages{registry_.view.container(at("top")).overshoot_peak.load()}, mib(4));
  EXPECT_EQ(registry_.view.member(member).wake.load(), 0U);
  EXPECT_EQ(registry_.view.member(near).wake.load(), 0U);
}

}  // namespace
}  // namespace weir
