// still_test.cc - what is printed of a crowd that goes on growing adds up all the same.
#include "tools/still.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "core/stats.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::MemoryRegistry;
using testing::mib;

class StillTest : public ::testing::Test {
 protected:
  MemoryRegistry registry_;
  ContainerId home_ = registry_.make("home", {mib(64), mib(56), mib(48)});
};

TEST_F(StillTest, TheCopyIsWhatThereWas) {
  const MemberId member = registry_.add_member(42, home_, Pages{100});
  registry_.view.member(member).held_ns.store(7);
  std::strcpy(registry_.view.member(member).comm, "fifteen letters");
  registry_.view.container(home_).counters.failcnt.store(UINT64_MAX - 1);
  StillRegistry still(registry_.view);
  registry_.view.book(member).set_charge(42, Pages{900});
  std::uint32_t cursor = 0;
  MemberStats shown;
  ASSERT_TRUE(next_member(still.view(), Subtree::below(still.view(), home_), cursor, shown));
  EXPECT_EQ(shown.usage, Pages{100});
  EXPECT_EQ(shown.held_ns, 7U);
  EXPECT_STREQ(shown.comm, "fifteen letters");
  EXPECT_EQ(container_stats(registry_.os, still.view(), home_, Look::kBooks).failcnt, UINT64_MAX - 1);
}

TEST_F(StillTest, TheSumIsThatOfTheMembersShown) {
  constexpr int kFirst = 100;
  constexpr std::uint32_t kMembers = 50;
  for (std::uint32_t i = 0; i < kMembers; ++i) {
    registry_.add_member(kFirst + static_cast<int>(i), home_, Pages{1});
  }
  std::atomic<bool> ends{false};
  std::thread crowd([&] {
    for (std::uint64_t pages = 1; !ends; ++pages) {
      registry_.view.book(MemberId{static_cast<std::uint32_t>(pages % kMembers)})
          .set_charge(static_cast<std::uint32_t>(kFirst + pages % kMembers), Pages{pages});
    }
  });
  for (int i = 0; i < 200; ++i) {
    StillRegistry still(registry_.view);
    const ContainerStats stats = container_stats(registry_.os, still.view(), home_, Look::kBooks);
    Pages sum;
    MemberStats member;
    const Subtree subtree = Subtree::below(still.view(), home_);
    for (std::uint32_t cursor = 0; next_member(still.view(), subtree, cursor, member);) {
      sum = sum + member.usage;
    }
    ASSERT_EQ(stats.usage, sum);
  }
  ends = true;
  crowd.join();
}

}  // namespace
}  // namespace weir
