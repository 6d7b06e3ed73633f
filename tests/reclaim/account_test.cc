// account_test.cc - readings of our charge: what happens meanwhile is not lost, and the newest one counts.
#include "reclaim/account.h"

#include <gtest/gtest.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

class AccountTest : public ::testing::Test {
 protected:
  AccountTest() {
    machine_.os.touch(0, 1000);
    machine_.os.page_out_all();
    account_.refresh(machine_.os, nullptr);
  }
  [[nodiscard]] Pages bound() {
    return account_.standing(account_.faults_since_reading(machine_.os)).usage;
  }

  Machine machine_{kMarks};
  Account& account_ = machine_.engine.account;
};

TEST_F(AccountTest, FaultsSinceTheReadingBoundTheGrowth) {
  machine_.os.touch(0, 300);
  EXPECT_EQ(account_.last_reading(), Pages::none());
  EXPECT_EQ(bound(), Pages{300});
  account_.refresh(machine_.os, nullptr);
  EXPECT_EQ(account_.last_reading(), Pages{300});
  EXPECT_EQ(bound(), Pages{300});
}

TEST_F(AccountTest, WhatIsTouchedWhileItIsReadIsNotLost) {
  machine_.os.interleave(Call::kClose, [&] { machine_.os.touch(0, 300); });  // when it was read
  account_.refresh(machine_.os, nullptr);
  EXPECT_EQ(account_.last_reading(), Pages::none());
  EXPECT_EQ(bound(), Pages{300});
}

TEST_F(AccountTest, AnOlderReadingDoesNotReplaceANewerOne) {
  machine_.os.interleave(Call::kClose, [&] {
    machine_.os.touch(0, 300);
    account_.refresh(machine_.os, nullptr);  // another thread's
  });
  account_.refresh(machine_.os, nullptr);
  EXPECT_EQ(account_.last_reading(), Pages{300});
  EXPECT_EQ(usage_of(machine_.engine.view, machine_.container), Pages{300});
  EXPECT_EQ(bound(), Pages{300});
}

TEST_F(AccountTest, AForkChildCountsItsFaultsAnew) {
  machine_.os.touch(0, 300);
  account_.refresh(machine_.os, nullptr);
  machine_.os.forget_faults();
  account_.begin_as_fork_child(machine_.os);
  EXPECT_EQ(usage_of(machine_.engine.view, machine_.container), Pages::none()) << "all of it is its parent's";
  machine_.os.touch(300, 200);
  EXPECT_EQ(bound(), Pages{200});
  account_.refresh(machine_.os, nullptr);
  EXPECT_EQ(account_.last_reading(), Pages{500});
}

TEST_F(AccountTest, CountersOfFaultsMayWrapAround) {
  for (int i = 0; i < 2; ++i) {
    machine_.os.add_faults((1L << 31) - 100);
    account_.refresh(machine_.os, nullptr);
  }
  machine_.os.touch(0, 300);
  EXPECT_EQ(bound(), Pages{300});
}

TEST_F(AccountTest, AReadingAfterALongSilenceIsNoOldOne) {
  machine_.os.touch(0, 300);
  machine_.os.add_faults(3L << 30);  // more than half way round
  EXPECT_EQ(bound(), Pages{(3UL << 30) + 300});
  account_.refresh(machine_.os, nullptr);
  EXPECT_EQ(account_.last_reading(), Pages{300});
}

TEST_F(AccountTest, WhereFaultsAreNotToldAnyMoreReadingsGoOn) {
  machine_.os.touch(0, 300);
  account_.refresh(machine_.os, nullptr);
  machine_.os.fail(Call::kUsage, EPERM);  // a seccomp filter that came later
  machine_.os.touch(300, 200);
  EXPECT_EQ(bound(), Pages{300});
  account_.refresh(machine_.os, nullptr);
  EXPECT_EQ(account_.last_reading(), Pages{500});
}

}  // namespace
}  // namespace weir::testing
