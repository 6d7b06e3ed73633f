// load_gain_test.cc - load control stays where more gets done with it, and only there.
#include "reclaim/load_gain.h"

#include <gmock/gmock.h>

#include "tests/reclaim/members.h"

namespace weir::testing {
namespace {

constexpr std::uint64_t kTicksPerSecond = 100;

// Two members, of which the other one works, in user mode, by `with_` and `without_` percent of a core.
class LoadGainTest : public ::testing::Test {
 protected:
  LoadGainTest() {
    members_.add(kOther, 1500, 100 * kSecond);
    members_.load().rate_without.store(0);
  }
  bool pays() {
    return holding_pays(members_.container_record());
  }
  // Gives how long of that time was without, in ms.
  std::uint64_t thrash_for(std::uint64_t ns) {
    std::uint64_t without = 0;
    const std::uint64_t end = members_.os.now_ns() + ns;
    while (members_.os.now_ns() < end) {
      without += pays() ? 0 : 100;
      work(pays() ? with_ : without_);
      members_.load().thrash_until_ns.store(members_.os.now_ns() + kSecond);
      mind_gain(members_.engine);
    }
    return without;
  }
  // For 100 ms.
  void work(std::uint64_t percent) {
    hundredths_ += percent * kTicksPerSecond / 10;
    publish();
    members_.os.advance(100 * kMs);
  }
  void publish() {
    FakeProcess other;
    other.resident_pages = 1500;
    other.user_ticks = 1000 + hundredths_ / 100;
    members_.os.add_process(kOther, other);
  }

  static constexpr int kOther = 5001;
  Members members_;
  std::uint64_t with_ = 150;
  std::uint64_t without_ = 50;
  std::uint64_t hundredths_ = 0;
};

TEST_F(LoadGainTest, WhereMoreGetsDoneWithItIsTriedWithoutOnce) {
  EXPECT_TRUE(pays());
  EXPECT_EQ(thrash_for(60 * kSecond), 1000U);
  EXPECT_TRUE(pays());
}

TEST_F(LoadGainTest, WhereMoreGetsDoneWithoutItIsTriedAgainSeldom) {
  std::swap(with_, without_);
  const std::uint64_t without = thrash_for(120 * kSecond);
  EXPECT_GT(without, 100'000U) << "1 s to ask, then 2, 4, 8, 16, 32, 32, with 2 s with it between";
  EXPECT_LT(without, 110'000U);
}

TEST_F(LoadGainTest, NearlyTheSameIsInItsFavour) {
  with_ = 95;
  without_ = 100;
  EXPECT_EQ(thrash_for(60 * kSecond), 1000U);
}

TEST_F(LoadGainTest, WhenLessGetsDoneThanWithoutItIsAskedAgain) {
  thrash_for(20 * kSecond);
  with_ = 20;
  EXPECT_GT(thrash_for(20 * kSecond), 10'000U) << "it is better off without now";
  with_ = 150;
  thrash_for(40 * kSecond);
  EXPECT_TRUE(pays());
  EXPECT_EQ(thrash_for(30 * kSecond), 0U);
}

TEST_F(LoadGainTest, WhereBothGetLessDoneItGoesOnWith) {
  thrash_for(20 * kSecond);
  with_ = 20;
  without_ = 10;
  const std::uint64_t without = thrash_for(60 * kSecond);
  EXPECT_GT(without, 0U);
  EXPECT_LE(without, 2000U);
}

TEST_F(LoadGainTest, WhereNothingThrashesNothingIsTried) {
  for (int i = 0; i < 100; ++i) {
    work(50);
    mind_gain(members_.engine);
    EXPECT_TRUE(pays());
  }
  EXPECT_EQ(members_.load().work_ns.load(), 0U) << "nor counted";
}

TEST_F(LoadGainTest, SwitchedOffNothingIsTried) {
  members_.container_record().load_control.store(0);
  EXPECT_EQ(thrash_for(20 * kSecond), 0U);
}

TEST_F(LoadGainTest, WhatWasMeasuredBeforeAPauseDoesNotCount) {
  thrash_for(kSecond);
  work(150);
  members_.os.advance(30 * kSecond);
  EXPECT_EQ(thrash_for(900 * kMs), 0U) << "it would have been time to ask";
  EXPECT_EQ(thrash_for(10 * kSecond), 1000U);
}

TEST_F(LoadGainTest, TheWorkIsThatOfTheMembersInUserMode) {
  thrash_for(10 * kSecond);
  EXPECT_NEAR(static_cast<double>(members_.load().rate_with.load()), 1500, 60);
  EXPECT_NEAR(static_cast<double>(members_.load().rate_without.load()), 500, 60);
}

TEST_F(LoadGainTest, AThreadGroupsProcessWorksOnce) {
  MemberId process;
  ASSERT_TRUE(members_.engine.view.find_member(kOther, process));
  const AttachResult group = members_.engine.view.attach_group(members_.os, process, 0, members_.container);
  ASSERT_EQ(group.failure, AttachFailure::kNone);
  members_.engine.view.book(group.id).set_charge(kOther, Pages{1500});
  thrash_for(10 * kSecond);
  EXPECT_NEAR(static_cast<double>(members_.load().rate_with.load()), 1500, 60);
}

TEST_F(LoadGainTest, WhoSleepsForEverIsNoWork) {
  members_.os.remove_process(kOther);
  with_ = without_ = 0;
  thrash_for(kSecond);
  EXPECT_EQ(members_.load().work_ns.load(), 0U);
}

}  // namespace
}  // namespace weir::testing
