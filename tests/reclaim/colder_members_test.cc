// colder_members_test.cc - who should give back first: who is held, who is idle, who holds the coldest.
#include <gmock/gmock.h>

#include "tests/reclaim/members.h"

namespace weir::testing {
namespace {

class ColderMembersTest : public ::testing::Test {
 protected:
  ColderMembersTest() {
    heat(kSelf, 3, 1000);
  }
  MemberRecord& add(int pid, std::uint64_t pages, std::uint32_t heat_class) {
    MemberRecord& record = members_.add(pid, pages, kSecond);
    record.reclaimer_tid.store(static_cast<std::uint32_t>(pid));
    heat(pid, heat_class, pages);
    return record;
  }
  void heat(int pid, std::uint32_t heat_class, std::uint64_t pages) {
    MemberRecord& record = members_.member(pid);
    for (Word& word : record.heat) {
      word.store(0);
    }
    record.heat[heat_class].store(static_cast<std::uint32_t>(pages));
  }
  bool give() {
    return colder_members_give(members_.engine, members_.container);
  }
  [[nodiscard]] std::uint32_t woken(int pid) {
    return members_.member(pid).wake.load();
  }
  Members members_;
};

TEST_F(ColderMembersTest, AloneNobodyGives) {
  EXPECT_FALSE(give());
  EXPECT_EQ(woken(kSelf), 0U);
}

TEST_F(ColderMembersTest, WhoHoldsColderMemoryIsWoken) {
  add(5001, 1000, 2);
  EXPECT_TRUE(give());
  EXPECT_EQ(woken(5001), 1U);
}

TEST_F(ColderMembersTest, WhoHoldsTheSameOrHotterIsNot) {
  add(5001, 1000, 3);
  add(5002, 1000, 4);
  EXPECT_FALSE(give());
  EXPECT_EQ(woken(5001) + woken(5002), 0U);
}

TEST_F(ColderMembersTest, OnlyTheColdestAreWoken) {
  add(5001, 1000, 2);
  add(5002, 1000, 0);
  add(5003, 1000, 1);
  add(5004, 1000, 0);
  EXPECT_TRUE(give());
  EXPECT_EQ(woken(5001) + woken(5003), 0U);
  EXPECT_EQ(woken(5002), 1U);
  EXPECT_EQ(woken(5004), 1U);
}

TEST_F(ColderMembersTest, EightAreWokenAtMost) {
  for (int pid = 5001; pid <= 5012; ++pid) {
    add(pid, 1000, 0);
  }
  EXPECT_TRUE(give());
  std::uint32_t sum = 0;
  for (int pid = 5001; pid <= 5012; ++pid) {
    sum += woken(pid);
  }
  EXPECT_EQ(sum, 8U);
}

TEST_F(ColderMembersTest, AFewColdPagesAreNotWorthIt) {
  add(5001, 1000, 4);
  members_.member(5001).heat[0].store(511);
  EXPECT_FALSE(give());
  members_.member(5001).heat[0].store(512);
  EXPECT_TRUE(give());
}

TEST_F(ColderMembersTest, WhoIsHeldGivesBeforeWhoHoldsTheColdest) {
  heat(kSelf, 0, 1000);
  add(5001, 1000, 7).held_since_ns.store(members_.os.now_ns());
  add(5002, 1000, 0);
  EXPECT_TRUE(give());
  EXPECT_EQ(woken(5001), 1U);
  EXPECT_EQ(woken(5002), 0U);
}

TEST_F(ColderMembersTest, WhoIsHeldItselfWaitsForNobody) {
  add(5001, 1000, 0);
  members_.self().held_since_ns.store(members_.os.now_ns());
  EXPECT_FALSE(give());
}

TEST_F(ColderMembersTest, WhoseClockStoodForASecondRests) {
  heat(kSelf, 0, 1000);
  add(5001, 1000, 7);
  EXPECT_FALSE(give()) << "seen for the first time";
  members_.os.advance(kSecond);
  EXPECT_FALSE(give());
  members_.os.advance(1);
  EXPECT_TRUE(give());
  members_.os.set_process_cpu(5001, 2 * kMs);
  EXPECT_TRUE(give()) << "two milliseconds in a second are a tick";
  members_.os.set_process_cpu(5001, 2 * kMs + 1);
  EXPECT_FALSE(give());
}

TEST_F(ColderMembersTest, WhatCannotLeaveIsNotAskedFor) {
  add(5001, 1000, 0).unevictable_pages.store(489);
  EXPECT_FALSE(give());
  members_.member(5001).unevictable_pages.store(488);
  EXPECT_TRUE(give());
}

TEST_F(ColderMembersTest, WhoHasNoReclaimerCannotGive) {
  add(5001, 1000, 0).reclaimer_tid.store(0);
  EXPECT_FALSE(give());
}

TEST(NoteRefaultsTest, TheyCountInEveryAncestor) {
  Members members;
  Registry& registry = members.engine.view.raw();
  registry.parents[members.container.index].store(10 + 1);
  registry.parents[10].store(11 + 1);
  note_refaults(members.engine, 5);
  note_refaults(members.engine, 0);
  for (const std::uint32_t index : {members.container.index, 10U, 11U}) {
    EXPECT_EQ(registry.containers[index].load.paging_ns.load(), 5U * 20'000) << index;
  }
  EXPECT_EQ(registry.containers[12].load.paging_ns.load(), 0U);
}

TEST(NoteRefaultsTest, ALoopOfParentsInADamagedFileEnds) {
  Members members;
  members.engine.view.raw().parents[members.container.index].store(members.container.index + 1);
  note_refaults(members.engine, 1);
  EXPECT_GE(members.load().paging_ns.load(), 20'000U);
}

TEST_F(ColderMembersTest, WhatTheReclaimerUsesUpIsNoWorkOfItsProcess) {
  MemberRecord& record = add(5001, 1000, 3);
  EXPECT_FALSE(give());
  for (std::uint64_t step = 1; step <= 12; ++step) {
    members_.os.set_process_cpu(5001, step * 10 * kMs);
    record.reclaimer_cpu_ns.store(step * 10 * kMs);
    members_.os.advance(kSecond / 10);
    static_cast<void>(give());
  }
  EXPECT_TRUE(give()) << "it rests, and is woken all the time";
}

}  // namespace
}  // namespace weir::testing
