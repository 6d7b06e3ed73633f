// thrash_test.cc - what counts as thrashing, how long it takes until it is told, and when it is a kill.
#include "reclaim/thrash.h"

#include <gmock/gmock.h>

#include "tests/reclaim/members.h"

namespace weir::testing {
namespace {

class ThrashTest : public ::testing::Test {
 protected:
  ThrashTest() {
    container().thrash_seconds.store(10);
    look();  // the first window begins
  }
  ContainerRecord& container() {
    return members_.engine.container();
  }
  void look() {
    mind_thrash(members_.engine);
  }
  // Seconds in which paging took so many ns of each.
  void live(int seconds, std::uint64_t paging_ns) {
    for (int i = 0; i < seconds; ++i) {
      members_.os.advance(kSecond);
      members_.load().paging_ns.fetch_add(paging_ns);
      look();
    }
  }
  std::uint64_t told() {
    return members_.counters().events_thrash.load();
  }

  Members members_;
};

TEST_F(ThrashTest, ToldOnceItHasGoneOnForLongEnough) {
  live(9, kSecond / 2);
  EXPECT_EQ(told(), 0U);
  live(1, kSecond / 2);
  EXPECT_EQ(told(), 1U);
  EXPECT_EQ(members_.counters().events_oom.load(), 0U) << "nobody asked for more than that";
}

TEST_F(ThrashTest, ToldAgainAfterAsLong) {
  live(30, kSecond);
  EXPECT_EQ(told(), 3U);
}

TEST_F(ThrashTest, LessThanHalfOfTheTimeIsNoThrashing) {
  live(60, kSecond / 2 - 1);
  EXPECT_EQ(told(), 0U);
}

TEST_F(ThrashTest, ALittleMoreThanAQuarterIsNotHalf) {
  live(2, kSecond / 2);
  live(60, kSecond / 3);
  EXPECT_EQ(told(), 0U);
}

TEST_F(ThrashTest, CalmerSecondsCountAndLessThanAQuarterEndsIt) {
  live(4, kSecond);
  live(6, kSecond / 4);
  EXPECT_EQ(told(), 1U) << "5.5 of 10 s";
  live(5, kSecond / 2);
  live(1, kSecond / 4 - 1);
  live(9, kSecond / 2);
  EXPECT_EQ(told(), 1U);
}

TEST_F(ThrashTest, WhoeverRunsOnAnotherCoreCounts) {
  members_.add(5001, 1500, 100 * kSecond);  // grows as well
  for (int i = 0; i < 20; ++i) {
    members_.os.advance(kSecond);
    members_.engine.record().active_ns.store(members_.os.now_ns());
    members_.member(5001).active_ns.store(members_.os.now_ns());
    members_.load().paging_ns.fetch_add(kSecond - 2);
    look();
  }
  EXPECT_EQ(told(), 0U) << "two run, and less than one core pages";
}

TEST_F(ThrashTest, APauseEndsIt) {
  live(9, kSecond);
  members_.os.advance(4 * kSecond);
  members_.load().paging_ns.fetch_add(4 * kSecond);
  look();
  live(9, kSecond);
  EXPECT_EQ(told(), 0U);
  live(1, kSecond);
  EXPECT_EQ(told(), 1U);
}

TEST_F(ThrashTest, SwitchedOffNothingIsTold) {
  container().thrash_seconds.store(0);
  live(60, kSecond);
  EXPECT_EQ(told(), 0U);
}

TEST_F(ThrashTest, AsOutOfMemoryItIsAKill) {
  container().thrash_is_oom.store(1);
  live(9, kSecond);
  EXPECT_THAT(members_.os.killed, ::testing::IsEmpty());
  live(1, kSecond);
  EXPECT_EQ(members_.os.killed.size(), 1U);
  EXPECT_EQ(members_.counters().events_oom_kill.load(), 1U);
}

}  // namespace
}  // namespace weir::testing
