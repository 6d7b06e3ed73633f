// promises_test.cc - many members, each far from the mark by itself: what they took counts before anybody looks.
#include "reclaim/other_members.h"

#include <gtest/gtest.h>

#include "reclaim/background.h"
#include "tests/reclaim/members.h"

namespace weir::testing {
namespace {

class PromisesTest : public ::testing::Test, protected Members {
 protected:
  PromisesTest() {
    for (int pid = 5001; pid <= 5004; ++pid) {
      add_member(pid, 100, 0);
    }
  }
  // It takes that much, and is not read again when it has touched some of it.
  void take(int pid, std::uint64_t pages, std::uint64_t touched) {
    member(pid).promised_pages.store(pages);
    set_member(pid, 100 + touched);
  }
  [[nodiscard]] bool beyond(std::uint64_t mark) {
    return is_promised_beyond(engine, container, Pages{mark});
  }
  [[nodiscard]] Pages usage() const {
    return usage_of(engine.view, container);
  }
};

TEST_F(PromisesTest, FarFromTheMarkNobodyIsRead) {
  take(5001, 500, 500);
  EXPECT_FALSE(beyond(3000));
  EXPECT_EQ(usage(), Pages{1400});
}

TEST_F(PromisesTest, WhereTheyMayLiftUsageAboveItAllAreReadAnew) {
  take(5001, 500, 300);
  take(5002, 500, 300);
  EXPECT_FALSE(beyond(2200)) << "by what is there they do not";
  EXPECT_EQ(usage(), Pages{2000});
  EXPECT_EQ(member(5001).promised_pages.load(), 0U);
}

TEST_F(PromisesTest, NotAgainAtOnce) {
  take(5001, 500, 500);
  EXPECT_TRUE(beyond(1500)) << "and by what is there, too";
  take(5002, 500, 500);
  EXPECT_TRUE(beyond(2300));
  EXPECT_EQ(usage(), Pages{1900}) << "read a moment ago";
  os.advance(30 * kMs);
  EXPECT_TRUE(beyond(2300));
  EXPECT_EQ(usage(), Pages{2400});
}

TEST_F(PromisesTest, TheReclaimerKnowsOfThem) {
  engine.account.refresh(os, nullptr);
  take(5001, 3000, 3000);
  GrowthWatch watch;
  EXPECT_TRUE(look(engine, watch, false).worked);
  EXPECT_EQ(usage(), Pages{4400});
}

TEST_F(PromisesTest, WhereTheyWereReadAMomentAgoItLooksAgainSoonButNotAtOnce) {
  take(5001, 3000, 100);
  EXPECT_FALSE(beyond(3500));
  take(5001, 3000, 100);
  GrowthWatch watch;
  const LookResult result = look(engine, watch, false);
  EXPECT_FALSE(result.worked);
  EXPECT_EQ(pause_after(result), 20'000'000);
  os.advance(30 * kMs);
  EXPECT_LT(pause_after(look(engine, watch, false)), 0) << "they were read: nothing to be done";
}

TEST_F(PromisesTest, ANewMemberHasMadeNone) {
  member(5001).promised_pages.store(7);
  engine.view
      .book([&] {
        MemberId id;
        EXPECT_TRUE(engine.view.find_member(5001, id));
        return id;
      }())
      .release(5001);
  add_member(5005, 10, 0);
  EXPECT_EQ(member(5005).promised_pages.load(), 0U);
}

}  // namespace
}  // namespace weir::testing
