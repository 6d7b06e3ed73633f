// move_groups_test.cc - thread groups that go along, that move alone, and the books when it comes to nothing.
#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>

#include "tests/core/move_support.h"

namespace weir {
namespace {

using testing::Call;
using testing::FakeOs;
using testing::mib;

class MoveGroupsTest : public MoveGroupsFixture {};

TEST_F(MoveGroupsTest, TheyGoAlongToContainersLikeTheirs) {
  const MoveResult result = move(kPid, "b");
  ASSERT_EQ(result.failure, MoveFailure::kNone);
  EXPECT_EQ(result.moved, mib(14));
  EXPECT_EQ(usage("a"), Pages::none());
  EXPECT_EQ(usage("b"), mib(14));
  EXPECT_EQ(usage("b/io"), mib(4));
  EXPECT_EQ(usage("b/bio"), mib(2));
  EXPECT_EQ(marks_of(registry_.view.container(at("b/io"))).limit, mib(16));
  EXPECT_EQ(registry_.view.container(at("b/io")).named.load(), 1U);
}

TEST_F(MoveGroupsTest, AContainerThatIsThereIsTakenAsItIs) {
  registry_.make("b/io", limited(mib(6)));
  ASSERT_EQ(move(kPid, "b").failure, MoveFailure::kNone);
  EXPECT_EQ(marks_of(registry_.view.container(at("b/io"))).limit, mib(6));
  EXPECT_EQ(usage("b/io"), mib(4));
}

TEST_F(MoveGroupsTest, AndMayHaveNoRoom) {
  registry_.make("b/io", limited(mib(3)));
  const auto before = books();
  const MoveResult result = move(kPid, "b");
  EXPECT_EQ(result.failure, MoveFailure::kNoRoom);
  EXPECT_EQ(result.plan.tightest.id, at("b/io"));
  EXPECT_EQ(result.plan.needed_there, mib(4)) << "of the group alone";
  EXPECT_EQ(result.plan.lacking(), mib(1));
  EXPECT_EQ(books(), before);
  EXPECT_EQ(move(kPid, "b", MovePolicy::kLazy).failure, MoveFailure::kNone);
}

TEST_F(MoveGroupsTest, ARefusalLeavesNoContainerBehind) {
  registry_.view.container(at("b")).limit.store(mib(13).count);
  const auto before = books();
  const auto names = containers(registry_.view);
  EXPECT_EQ(look_at_move(registry_.os, registry_.view, {kPid, "b"}).failure, MoveFailure::kNoRoom);
  EXPECT_EQ(move(kPid, "b").failure, MoveFailure::kNoRoom);
  EXPECT_EQ(books(), before);
  EXPECT_EQ(containers(registry_.view), names);
}

TEST_F(MoveGroupsTest, ANameThatWouldBeNoneIsRefused) {
  std::string deep = "d";
  for (int i = 1; i < kMaxContainerDepth; ++i) {
    deep += "/d";
  }
  ASSERT_NE(registry_.make(deep).index, UINT32_MAX);
  const auto before = books();
  const auto names = containers(registry_.view);
  EXPECT_EQ(move(kPid, deep).failure, MoveFailure::kNoPlace);
  EXPECT_EQ(books(), before);
  EXPECT_EQ(containers(registry_.view), names);
}

TEST_F(MoveGroupsTest, AGroupMovesAlone) {
  const MoveResult result = move_group("io", "b");
  ASSERT_EQ(result.failure, MoveFailure::kNone);
  EXPECT_EQ(result.moved, mib(4));
  EXPECT_EQ(usage("a"), mib(10));
  EXPECT_EQ(usage("a/io"), Pages::none());
  EXPECT_EQ(usage("b"), mib(4));
  EXPECT_EQ(registry_.view.member(process_).wake.load(), 1U) << "its process' reclaimer sees to it";
  EXPECT_STREQ(moves()[0].text, "moved group io from a/io to b, policy reserve");
  EXPECT_EQ(move_group("io", "b").failure, MoveFailure::kAlready);
  EXPECT_EQ(move_group("io", "a/io").failure, MoveFailure::kNone) << "and back, by the same name";
  EXPECT_EQ(usage("a"), mib(14));
}

TEST_F(MoveGroupsTest, OnlyGroupsThatThereAreMove) {
  EXPECT_EQ(move_group("nobody", "b").failure, MoveFailure::kNoGroup);
  EXPECT_EQ(move_group("io", "nowhere").failure, MoveFailure::kNoContainer);
}

TEST_F(MoveGroupsTest, OneThatWasMovedElsewhereStaysThere) {
  registry_.make("c");
  ASSERT_EQ(move_group("io", "c").failure, MoveFailure::kNone);
  ASSERT_EQ(move(kPid, "b").failure, MoveFailure::kNone);
  EXPECT_EQ(usage("c"), mib(4));
  EXPECT_EQ(usage("b"), mib(10));
  EXPECT_EQ(usage("b/bio"), mib(2));
}

TEST_F(MoveGroupsTest, WhatOutgrowsTheRoomBetweenPlanAndSwapSendsAllOfThemBack) {
  registry_.view.container(at("b")).limit.store(mib(14).count);
  registry_.make("b/io");
  registry_.make("b/bio");
  registry_.os.fail(Call::kPread, EIO);  // /proc would be a second writer
  std::atomic<bool> stop{false};
  std::thread charging([&] {
    for (std::uint64_t turn = 0; !stop.load(); ++turn) {
      registry_.view.book(process_).set_charge(kPid, turn % 2 == 0 ? mib(8) : mib(12));
    }
  });
  int moved = 0;
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    const bool to_b = registry_.view.book(process_).load().container == at("a");
    const MoveResult result = move(kPid, to_b ? "b" : "a");
    ++(result.failure == MoveFailure::kNone ? moved : refused);
    const std::string side = registry_.view.book(process_).load().container == at("a") ? "a" : "b";
    EXPECT_EQ(registry_.view.book(io_).load().container, at(side + "/io")) << i;
    EXPECT_EQ(registry_.view.book(bio_).load().container, at(side + "/bio")) << i;
  }
  stop.store(true);
  charging.join();
  EXPECT_GT(moved, 0);
  EXPECT_GT(refused, 0);
}

TEST_F(MoveGroupsTest, AThousandFailuresLeaveBothSidesByteForByte) {
  const Call steps[] = {Call::kOpen, Call::kFlock, Call::kClose, Call::kPread, Call::kFutexWait};
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {
    testing::MemoryRegistry fresh;
    set_up(fresh);
    const bool alone = i % 5 == 4;
    const auto words = [&] {
      std::vector<std::uint64_t> all;
      for (const BookWord& book : fresh.view.raw().books) {
        all.push_back(book.load().packed());
      }
      return all;
    };
    const auto before = words();
    const auto names = containers(fresh.view);
    fresh.os.fail(steps[i % 5], i % 2 == 0 ? EIO : EWOULDBLOCK, i % 4 < 2 ? 1 : FakeOs::kAlways, i / 5 % 8);
    const MoveResult result =
        move_member(fresh.os, fresh.view, {kPid, "b", MovePolicy::kReserve, "", alone ? "io" : std::string_view()});
    fresh.os.heal(steps[i % 5]);
    if (result.failure != MoveFailure::kNone) {
      ++refused;
      ASSERT_EQ(words(), before) << i;
      ASSERT_EQ(containers(fresh.view), names) << i;
    }
    ContainerId a;
    ContainerId b;
    ASSERT_TRUE(fresh.view.find("a", a) && fresh.view.find("b", b));
    ASSERT_EQ(usage_of(fresh.view, a) + usage_of(fresh.view, b), mib(14)) << i;
  }
  EXPECT_GT(refused, 30);
}

}  // namespace
}  // namespace weir
