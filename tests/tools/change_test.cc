// change_test.cc - `weir set` and `weir run` on a live container: load control, and watermarks that move by themselves.
#include "tools/change.h"

#include <gmock/gmock.h>

#include "core/events.h"
#include "core/usage.h"
#include "tests/core/support.h"
#include "tools/say.h"

namespace weir {
namespace {

using testing::MemoryRegistry;
using testing::mib;

class ChangeTest : public ::testing::Test {
 protected:
  ContainerRecord& record() {
    return registry_.view.container(home_);
  }
  // Watermarks that nobody set, and that moved since.
  void make_adaptive() {
    record().adaptive.store(1);
    ASSERT_EQ(set_marks(record(), {mib(64), mib(62), mib(60)}), 0);
  }
  void apply(const Change& change, Defaults defaults = Defaults::kKeep) {
    apply_change(registry_.os, registry_.view, home_, change, planned_marks(record(), change, defaults, "build"), "");
  }
  static WantedMark amount(Pages pages) {
    return {Mark{false, pages.bytes()}, false, "high"};
  }
  [[nodiscard]] bool is_adaptive() {
    return record().adaptive.load() != 0;
  }

  MemoryRegistry registry_;
  ContainerId home_ = registry_.make("build", {mib(64), mib(56), mib(48)});
};

TEST_F(ChangeTest, LoadControlIsSwitchedOffAndOn) {
  Change change;
  change.load_control = false;
  EXPECT_FALSE(change.empty());
  apply(change);
  EXPECT_EQ(record().load_control.load(), 0U);
  change.load_control = true;
  apply(change);
  EXPECT_EQ(record().load_control.load(), 1U);
}

TEST_F(ChangeTest, ProactiveReclaimIsSwitchedOnAndOff) {
  Change change;
  change.proactive = 10;
  EXPECT_FALSE(change.empty());
  apply(change);
  EXPECT_EQ(record().proactive.load(), 10U);
  apply(Change{});
  EXPECT_EQ(record().proactive.load(), 10U);
  change.proactive = 0;
  apply(change);
  EXPECT_EQ(record().proactive.load(), 0U);
}

TEST_F(ChangeTest, ThrashingIsToldLaterOrNever) {
  Change change;
  change.thrash = ThrashChoice{5, true};
  EXPECT_FALSE(change.empty());
  apply(change);
  EXPECT_EQ(record().thrash_seconds.load(), 5U);
  EXPECT_EQ(record().thrash_is_oom.load(), 1U);
  apply(Change{});
  EXPECT_EQ(record().thrash_seconds.load(), 5U);
  change.thrash = ThrashChoice{0, false};
  apply(change);
  EXPECT_EQ(record().thrash_seconds.load(), 0U);
  EXPECT_EQ(record().thrash_is_oom.load(), 0U);
}

TEST_F(ChangeTest, WhatWasNotAskedForStays) {
  Change change;
  change.background = false;
  record().load_control.store(0);
  apply(change);
  EXPECT_EQ(record().load_control.load(), 0U);
  EXPECT_EQ(record().background.load(), 0U);
  EXPECT_EQ(marks_of(record()), (Marks{mib(64), mib(56), mib(48)}));
  EXPECT_FALSE(is_adaptive());
}

TEST_F(ChangeTest, MembersAreWokenToLook) {
  const MemberId member = registry_.add_member(7, home_, Pages{10});
  Change change;
  change.load_control = false;
  const std::uint32_t generation = record().generation.load();
  apply(change);
  EXPECT_EQ(registry_.view.member(member).wake.load(), 1U);
  EXPECT_NE(record().generation.load(), generation);
}

TEST_F(ChangeTest, MovedWatermarksStayWhereOnlySomethingElseIsSet) {
  make_adaptive();
  Change change;
  change.load_control = false;
  for (const Defaults defaults : {Defaults::kKeep, Defaults::kFollow}) {
    apply(change, defaults);
    EXPECT_EQ(marks_of(record()), (Marks{mib(64), mib(62), mib(60)}));
    EXPECT_TRUE(is_adaptive());
  }
}

TEST_F(ChangeTest, ANewLimitStartsMovedWatermarksAnew) {
  make_adaptive();
  Change change;
  change.limit = mib(128);
  apply(change);
  EXPECT_EQ(marks_of(record()), (Marks{mib(128), mib(112), mib(96)}));
  EXPECT_TRUE(is_adaptive());
  change.limit = mib(16);
  apply(change);
  EXPECT_EQ(marks_of(record()), (Marks{mib(16), mib(14), mib(12)})) << "no clash with where they had moved";
}

TEST_F(ChangeTest, AWatermarkSetByHandMovesNoMore) {
  make_adaptive();
  Change change;
  change.high = amount(mib(60));
  apply(change);
  EXPECT_FALSE(is_adaptive());
  EXPECT_EQ(marks_of(record()).high, mib(60));
  EXPECT_LE(marks_of(record()).low, mib(60));
  make_adaptive();
  change = {};
  change.low = amount(mib(10));
  apply(change);
  EXPECT_FALSE(is_adaptive());
  EXPECT_EQ(marks_of(record()).low, mib(10));
}

TEST_F(ChangeTest, AFirstLimitBringsWatermarksThatMove) {
  home_ = registry_.make("free");
  Change change;
  change.limit = mib(64);
  apply(change);
  EXPECT_TRUE(is_adaptive());
  EXPECT_EQ(marks_of(record()), (Marks{mib(64), mib(56), mib(48)}));
}

TEST_F(ChangeTest, AFirstLimitWithAWatermarkBringsNoneThatMove) {
  home_ = registry_.make("free");
  Change change;
  change.limit = mib(64);
  change.high = amount(mib(60));
  apply(change);
  EXPECT_FALSE(is_adaptive());
}

TEST_F(ChangeTest, WithoutALimitTheWatermarksAreGoneAndComeBackWithOne) {
  make_adaptive();
  Change change;
  change.limit = Pages::all();
  apply(change);
  EXPECT_EQ(marks_of(record()), Marks{});
  change.limit = mib(32);
  apply(change);
  EXPECT_EQ(marks_of(record()), (Marks{mib(32), mib(28), mib(24)}));
  EXPECT_TRUE(is_adaptive());
}

TEST_F(ChangeTest, WhatBreaksTheOrderIsRefusedWithBothValues) {
  Change change;
  change.high = amount(mib(65));
  try {
    planned_marks(record(), change, Defaults::kKeep, "build");
    FAIL() << "taken";
  } catch (const CommandFault& fault) {
    EXPECT_EQ(fault.status(), ExitStatus::kUsage);
    EXPECT_THAT(fault.what(), ::testing::HasSubstr("high 65M is above limit 64M (as it stands)"));
  }
}

}  // namespace
}  // namespace weir
