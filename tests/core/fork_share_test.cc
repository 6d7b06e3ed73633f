// fork_share_test.cc - who pays for what a fork child shares: its parent, itself, or nobody for a while.
#include "core/fork_share.h"

#include <gtest/gtest.h>

#include "core/usage.h"

namespace weir {
namespace {

class ForkShareTest : public ::testing::Test {
 protected:
  ForkShareTest() {
    begin_share(record_, Pages{30});
  }
  [[nodiscard]] Pages own(std::uint64_t anonymous) const {
    return own_share(record_, Pages{anonymous});
  }

  MemberRecord record_{};
};

TEST_F(ForkShareTest, WhatItInheritedIsItsParents) {
  EXPECT_EQ(own(30), Pages::none());
  EXPECT_EQ(own(100), Pages{70}) << "what it took since is its own";
}

TEST_F(ForkShareTest, WhatItHasWrittenToIsItsOwn) {
  note_shared(record_, Pages{20});
  EXPECT_EQ(own(100), Pages{80});
  note_shared(record_, Pages::none());
  EXPECT_EQ(own(100), Pages{100}) << "its parent has ended";
}

TEST_F(ForkShareTest, WhatItSharesWithItsOwnChildrenItPaysFor) {
  note_shared(record_, Pages{20});
  note_fork(record_, Pages{80});
  note_shared(record_, Pages{100});
  EXPECT_EQ(own(100), Pages{80});
  note_shared(record_, Pages{60});
  EXPECT_EQ(own(100), Pages{80}) << "some of it was written to";
  note_shared(record_, Pages{20});
  EXPECT_EQ(own(100), Pages{80}) << "its child has ended";
}

TEST_F(ForkShareTest, OfTwoForksTheLargerCounts) {
  note_fork(record_, Pages{70});
  note_fork(record_, Pages{10});
  note_shared(record_, Pages{100});
  EXPECT_EQ(own(100), Pages{70});
}

TEST_F(ForkShareTest, WhatComesOutOfSwapForSeveralIsNobodys) {
  note_shared(record_, Pages{90});
  EXPECT_EQ(own(100), Pages{10});
}

TEST_F(ForkShareTest, SoItIsOnceNothingIsLentAnyMore) {
  note_fork(record_, Pages{70});
  note_shared(record_, Pages{100});
  note_shared(record_, Pages{30});
  note_shared(record_, Pages{90});
  EXPECT_EQ(own(100), Pages{10});
}

}  // namespace
}  // namespace weir
