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

class MoveGroupsTest : public MoveFixture {
 protected:
  // A process of 8 MiB in "a" with the groups io (4 MiB, limit 16 MiB) and bio (2 MiB).
  void set_up(testing::MemoryRegistry& registry) {
    registry.make("a");
    registry.make("a/io", limited(mib(16)));
    registry.make("a/bio");
    registry.make("b", limited(mib(64)));
    ContainerId a;
    ASSERT_TRUE(registry.view.find("a", a));
    process_ = registry.add_member(kPid, a, mib(8));
    io_ = add_group(registry, 0, "io", mib(4));
    bio_ = add_group(registry, 1, "bio", mib(2));
    MemberRecord& record = registry.view.member(process_);
    record.groups_pages.store(mib(6).count);
    registry.os.add_process(kPid, {.resident_pages = mib(14).count});
  }
  static MemberId add_group(testing::MemoryRegistry& registry, std::uint32_t number, const char* name, Pages charge) {
    ContainerId container;
    MemberId owner;
    EXPECT_TRUE(registry.view.find(std::string("a/") + name, container));
    EXPECT_TRUE(registry.view.find_member(kPid, owner));
    const AttachResult attached = registry.view.attach_group(registry.os, owner, number, container);
    registry.view.book(attached.id).set_charge(kPid, charge);
    std::strncpy(registry.view.member(attached.id).group, name, kMaxComponentBytes);
    return attached.id;
  }
  void SetUp() override {
    set_up(registry_);
  }
  MoveResult move_group(std::string_view group, std::string_view destination,
                        MovePolicy policy = MovePolicy::kReserve) {
    return move_member(registry_.os, registry_.view, {kPid, destination, policy, "", group});
  }
  // Every container that lives, and its limit.
  static std::vector<std::string> containers(const RegistryView& view) {
    std::vector<std::string> found;
    for (const ContainerRecord& record : view.raw().containers) {
      if (record.state.load() == ContainerRecord::kLive) {
        found.push_back(std::string(record.name) + " " + std::to_string(record.limit.load()));
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  MemberId process_;
  MemberId io_;
  MemberId bio_;
};

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

TEST_F(MoveGroupsTest, AMoverKilledAtAnyMomentLosesNothingAndTheNextBringsTheRest) {
  WEIR_SKIP_UNDER_TSAN();
  const SharedBooks shared(registry_);
  std::mt19937 chance(20080606);
  int between = 0;
  for (int i = 0; i < testing::children_for(200); ++i) {
    ASSERT_NO_FATAL_FAILURE(kill_a_mover(static_cast<useconds_t>(500 + chance() % 3000)));
    ASSERT_EQ(usage("a") + usage("b"), mib(14));
    ASSERT_EQ(registry_.view.book(process_).load().charge, mib(8));
    ASSERT_EQ(registry_.view.book(io_).load().charge, mib(4));
    between += usage("a") != Pages::none() && usage("b") != Pages::none() ? 1 : 0;
    const bool in_b = registry_.view.book(process_).load().container == at("b");
    ASSERT_EQ(move(kPid, in_b ? "a" : "b", MovePolicy::kLazy).failure, MoveFailure::kNone);
    ASSERT_EQ(usage(in_b ? "b" : "a"), Pages::none());
  }
  RecordProperty("killed_in_between", between);
}

}  // namespace
}  // namespace weir
