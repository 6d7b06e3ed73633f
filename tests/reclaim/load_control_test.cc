// load_control_test.cc - who has to wait its turn: only where it thrashes, only one too many, and the right one.
#include "reclaim/load_control.h"

#include <gmock/gmock.h>

#include "tests/reclaim/members.h"

namespace weir::testing {
namespace {

class LoadControlTest : public ::testing::Test {
 protected:
  // Three that grow on two cores, of which we are the youngest.
  void be_one_too_many() {
    members_.add(5001, 1500, 100 * kSecond);
    members_.add(5002, 1500, 50 * kSecond);
  }
  bool is_held() {
    return members_.step_back() != 0;
  }
  std::uint32_t level_after(std::uint64_t refaults, int windows) {
    for (int i = 0; i < windows; ++i) {
      members_.window(refaults);
      members_.load().last_hold_ns.store(members_.os.now_ns());  // nobody is held meanwhile
      members_.step_back();
    }
    return members_.load().level.load();
  }

  Members members_;
};

TEST_F(LoadControlTest, WhereNothingComesBackNobodyIsHeld) {
  be_one_too_many();
  for (int i = 0; i < 5; ++i) {
    members_.window(999);
    EXPECT_FALSE(is_held());
  }
  EXPECT_EQ(members_.counters().held.load(), 0U);
}

TEST_F(LoadControlTest, AThousandRefaultsInAWindowAreThrashing) {
  be_one_too_many();
  members_.window(0);
  EXPECT_FALSE(is_held());
  members_.window(1000);
  EXPECT_TRUE(is_held());
}

TEST_F(LoadControlTest, WhatCameBackBeforeAnybodyLookedIsNoThrashing) {
  be_one_too_many();
  members_.load().paging_ns.store(1000 * kSecond);
  EXPECT_FALSE(is_held());
}

TEST_F(LoadControlTest, RefaultsCountByTheLengthOfTheirWindow) {
  be_one_too_many();
  members_.window(0);
  EXPECT_FALSE(is_held());
  members_.os.advance(900 * kMs);
  members_.window(9999);
  EXPECT_FALSE(is_held()) << "in a whole second that is not enough";
}

TEST_F(LoadControlTest, ThrashingIsBelievedForFiveSeconds) {
  be_one_too_many();
  members_.window(0);
  is_held();
  members_.window(1000);
  members_.load().last_hold_ns.store(members_.os.now_ns());
  EXPECT_FALSE(is_held());
  const std::uint64_t end = members_.os.now_ns() + 5 * kSecond;
  members_.os.set_clock(end - 100 * kMs - 1);
  members_.window(0);
  EXPECT_TRUE(is_held());
  members_.load().thrash_until_ns.store(members_.os.now_ns() + 100 * kMs);
  members_.self().immune_until_ns.store(0);
  members_.window(0);
  EXPECT_FALSE(is_held());
}

TEST_F(LoadControlTest, TheYoungestStepsBack) {
  be_one_too_many();
  members_.thrash();
  const std::uint64_t held = members_.step_back();
  EXPECT_GT(held, 0U);
  EXPECT_EQ(members_.counters().held.load(), 1U);
  EXPECT_EQ(members_.counters().held_ns.load(), held);
  EXPECT_EQ(members_.self().held_ns.load(), held);
  EXPECT_EQ(members_.self().held_since_ns.load(), 0U);
}

TEST_F(LoadControlTest, WhereAnotherIsYoungerWeGoOn) {
  be_one_too_many();
  members_.member(5002).turn_ns.store(members_.os.now_ns() + 1);
  members_.thrash();
  EXPECT_FALSE(is_held());
}

TEST_F(LoadControlTest, AsManyRunAsThereAreCores) {
  members_.add(5001, 1500, 100 * kSecond);
  members_.thrash();
  EXPECT_FALSE(is_held()) << "two on two cores";
  members_.add(5002, 1500, 50 * kSecond);
  EXPECT_TRUE(is_held());
}

TEST_F(LoadControlTest, WhoDoesNotGrowIsNoRunner) {
  be_one_too_many();
  members_.thrash();
  members_.member(5001).active_ns.store(members_.os.now_ns() - 200 * kMs);
  EXPECT_FALSE(is_held());
}

TEST_F(LoadControlTest, WhoIsHeldIsNoRunner) {
  be_one_too_many();
  members_.thrash();
  members_.member(5001).held_since_ns.store(members_.os.now_ns() - kMs);
  EXPECT_FALSE(is_held());
}

TEST_F(LoadControlTest, WhoHoldsLittleIsNeitherHeldNorCounted) {
  members_.add(5001, 1500, 100 * kSecond);
  members_.add(5002, 127, 50 * kSecond);
  members_.thrash();
  EXPECT_FALSE(is_held()) << "less than a 32nd of 4096 pages";
  members_.set_charge(5002, 128);
  EXPECT_TRUE(is_held());
}

TEST_F(LoadControlTest, WhatIsPagedOutMakesAMemberNoSmaller) {
  members_.add(5001, 1500, 100 * kSecond);
  members_.add(5002, 8, 50 * kSecond).swap_pages.store(120);
  members_.thrash();
  EXPECT_TRUE(is_held());
}

TEST_F(LoadControlTest, MembersOfOtherContainersDoNotCount) {
  be_one_too_many();
  MemberId id;
  ASSERT_TRUE(members_.engine.view.find_member(5001, id));
  const BookEntry entry = members_.engine.view.book(id).load();
  ASSERT_TRUE(members_.engine.view.book(id).replace(entry, {entry.pid, ContainerId{8}, entry.charge}));
  members_.thrash();
  EXPECT_FALSE(is_held());
}

TEST_F(LoadControlTest, SwitchedOffNobodyIsHeld) {
  be_one_too_many();
  members_.thrash();
  members_.container_record().load_control.store(0);
  EXPECT_FALSE(is_held());
  EXPECT_EQ(members_.self().active_ns.load(), members_.os.now_ns()) << "the others see all the same who grows";
}

TEST_F(LoadControlTest, WhereItDoesNotPayNobodyIsHeld) {
  be_one_too_many();
  members_.thrash();
  members_.load().gain_without.store(1);
  EXPECT_FALSE(is_held());
  members_.load().gain_without.store(0);
  EXPECT_TRUE(is_held());
}

TEST_F(LoadControlTest, WithoutALimitNobodyIsHeld) {
  be_one_too_many();
  members_.thrash();
  members_.container_record().limit.store(UINT64_MAX);
  EXPECT_FALSE(is_held());
}

TEST_F(LoadControlTest, TenMillisecondsPassBetweenTwoWhoStepBack) {
  be_one_too_many();
  members_.thrash();
  members_.load().last_hold_ns.store(members_.os.now_ns());
  members_.os.advance(10 * kMs - 1);
  EXPECT_FALSE(is_held());
  members_.os.advance(1);
  EXPECT_TRUE(is_held());
}

TEST_F(LoadControlTest, WhoHasHardlyWaitedKeepsItsPlaceAndMayHaveToWaitAgain) {
  be_one_too_many();
  const std::uint64_t turn = members_.self().turn_ns.load();
  members_.thrash();
  members_.run([this](int step) { members_.container_record().load_control.store(step < 100 ? 1 : 0); });
  ASSERT_TRUE(is_held());
  EXPECT_EQ(members_.self().turn_ns.load(), turn);
  members_.container_record().load_control.store(1);
  members_.run();
  members_.window(0);
  EXPECT_TRUE(is_held());
}

TEST_F(LoadControlTest, StrictWhereFewerRunThanThereAreCores) {
  be_one_too_many();
  EXPECT_FALSE(members_.engine.load_control.is_strict(members_.engine, members_.container));
  members_.load().level.store(1);
  EXPECT_FALSE(members_.engine.load_control.is_strict(members_.engine, members_.container)) << "it does not thrash";
  members_.thrash();
  EXPECT_TRUE(members_.engine.load_control.is_strict(members_.engine, members_.container));
  members_.load().level.store(2);
  EXPECT_FALSE(members_.engine.load_control.is_strict(members_.engine, members_.container));
}

TEST_F(LoadControlTest, AfterItsWaitAMemberIsSafeForASlice) {
  be_one_too_many();
  members_.thrash();
  ASSERT_TRUE(is_held());
  const std::uint64_t end = members_.os.now_ns();
  EXPECT_EQ(members_.self().turn_ns.load(), end);
  members_.thrash();
  members_.window(0);
  EXPECT_FALSE(is_held());
  members_.os.set_clock(end + LoadControl::kSliceNs - 101 * kMs);
  members_.window(0);
  EXPECT_FALSE(is_held());
  members_.window(0);
  EXPECT_TRUE(is_held());
}

TEST_F(LoadControlTest, WhereSomebodyHasWaitedASliceWhoRanLongestStepsBack) {
  be_one_too_many();
  members_.self().turn_ns.store(members_.os.now_ns() - 200 * kSecond);
  members_.add(5003, 1500, 10 * kSecond).held_since_ns.store(members_.os.now_ns() - LoadControl::kSliceNs + 1);
  members_.thrash();
  EXPECT_FALSE(is_held()) << "nobody is due as yet, and 5002 is the youngest";
  members_.os.advance(1);
  EXPECT_TRUE(is_held());
}

TEST_F(LoadControlTest, WhoRanForLessThanASliceIsNotRotatedOut) {
  be_one_too_many();
  for (const int pid : {kSelf, 5001, 5002}) {
    members_.member(pid).turn_ns.store(members_.os.now_ns() - kSecond);
    members_.member(pid).immune_until_ns.store(members_.os.now_ns() + 2 * kSecond);
  }
  members_.add(5003, 1500, 10 * kSecond).held_since_ns.store(members_.os.now_ns() - LoadControl::kSliceNs);
  members_.thrash();
  EXPECT_FALSE(is_held());
}

TEST_F(LoadControlTest, WhereAsManyAsCoresStillThrashOneFewerRuns) {
  members_.add(5001, 1500, 100 * kSecond);
  members_.window(0);
  members_.step_back();
  EXPECT_EQ(level_after(4999, 4), 0U) << "not half of two cores";
  EXPECT_EQ(level_after(18'000, 1), 0U) << "a moment's paging says nothing";
  EXPECT_EQ(level_after(0, 3), 0U);
  EXPECT_EQ(level_after(5001, 4), 1U);
  members_.os.advance(20 * kMs);
  EXPECT_TRUE(is_held()) << "two run, and one may";
}

TEST_F(LoadControlTest, OneRunsInAnyCase) {
  members_.window(0);
  members_.step_back();
  EXPECT_EQ(level_after(50'000, 20), 1U);
}

TEST_F(LoadControlTest, TheLevelSettlesBeforeItChangesAgain) {
  members_.os.set_cores(8);
  members_.window(0);
  members_.step_back();
  EXPECT_EQ(level_after(20'000, 4), 7U);
  EXPECT_EQ(level_after(20'000, 3), 7U);
  EXPECT_EQ(level_after(20'000, 1), 6U);
}

TEST_F(LoadControlTest, WhereItIsCalmTheLevelRisesToTheCoresAndNoFurther) {
  members_.load().level.store(1);
  members_.window(0);
  members_.step_back();
  EXPECT_EQ(level_after(500, 24), 1U) << "neither calm nor thrashing";
  members_.load().level_ns.store(members_.os.now_ns());
  EXPECT_EQ(level_after(249, 16), 1U) << "not calm for long enough";
  EXPECT_EQ(level_after(249, 4), 2U);
  EXPECT_EQ(level_after(0, 10), 2U);
}

TEST_F(LoadControlTest, ALevelBeyondTheCoresIsTheCores) {
  be_one_too_many();
  members_.load().level.store(64);  // set on a wider CPU set
  members_.load().level_ns.store(members_.os.now_ns());
  members_.thrash();
  EXPECT_TRUE(is_held());
}

}  // namespace
}  // namespace weir::testing
