// silent_members_test.cc - members that grow without telling are read by whoever looks, where it matters and not too
// often.
#include <gtest/gtest.h>

#include "reclaim/background.h"
#include "reclaim/charge.h"
#include "reclaim/other_members.h"
#include "tests/reclaim/members.h"

namespace weir::testing {
namespace {

constexpr int kSilent = 5001;

class SilentMembersTest : public ::testing::Test, protected Members {
 protected:
  SilentMembersTest() {
    add_member(kSilent, 100, 0);
    set_member(kSilent, 2500);  // by exec of a static program
  }
  bool watch(bool here = true) {
    return watch_the_silent(engine, engine.account.standing(Pages::none()), here);
  }
  [[nodiscard]] Pages usage() const {
    return usage_of(engine.view, container);
  }
};

TEST_F(SilentMembersTest, BeyondAQuarterOfTheMarkTheyAreRead) {
  EXPECT_TRUE(watch());
  EXPECT_EQ(usage(), Pages{3500});
}

TEST_F(SilentMembersTest, FarFromItTheyAreNot) {
  ASSERT_EQ(set_marks(container_record(), {Pages{8192}, Pages{8000}, Pages{7000}}), 0);
  EXPECT_FALSE(watch());
  EXPECT_EQ(usage(), Pages{1100});
}

TEST_F(SilentMembersTest, TenTimesASecond) {
  EXPECT_TRUE(watch());
  set_member(kSilent, 2000);
  os.advance(99 * kMs);
  EXPECT_FALSE(watch());
  os.advance(2 * kMs);
  EXPECT_TRUE(watch());
  EXPECT_EQ(usage(), Pages{3000});
}

TEST_F(SilentMembersTest, AloneThereIsNobodyToRead) {
  os.remove_process(kSilent);
  refresh_charges(os, engine.view, Subtree::below(engine.view, container));
  os.advance(kSecond);
  EXPECT_FALSE(watch());
  EXPECT_EQ(container_record().members_read_ns.load(), os.now_ns()) << "and nobody asks again for a while";
}

TEST_F(SilentMembersTest, WhoMayNotOpenFilesWakesItsReclaimer) {
  engine.reclaimer_sleeps.store(true);
  EXPECT_FALSE(watch(false));
  EXPECT_EQ(self().wake.load(), 1U);
  EXPECT_EQ(usage(), Pages{1100});
  GrowthWatch growth;
  look(engine, growth, false);
  EXPECT_EQ(usage(), Pages{3500}) << "which reads them";
}

TEST_F(SilentMembersTest, WhoGrowsMeetsTheLimitThatTheyHaveUsedUp) {
  set_member(kSilent, 3500);
  os.touch(1000, 100);
  charge(engine, {Pages{1}, false});
  EXPECT_GE(counters().failcnt.load(), 1U);
  EXPECT_GT(os.swapped(), 0U) << "and gives back";
}

}  // namespace
}  // namespace weir::testing
