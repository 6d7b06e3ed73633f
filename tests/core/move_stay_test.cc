// move_stay_test.cc - a process that moves alone: what is asked of it first, and what stays.
#include "core/wake.h"
#include "tests/core/move_support.h"

namespace weir {
namespace {

using testing::Call;
using testing::mib;

class MoveStayTest : public MoveFixture {
 protected:
  MoveStayTest() {
    registry_.os.set_clock(1'000'000'000'000);
    registry_.make("a", limited(mib(64)));
    registry_.make("a/io");
    registry_.make("b", limited(mib(1)));
    record_ = &add_answering(kPid, "a", mib(8), {.resident_pages = mib(8).count});
    EXPECT_TRUE(registry_.view.find_member(kPid, process_));
  }
  MemberId add_group(std::uint32_t number, std::string_view container, const char* name, Pages charge) {
    const AttachResult attached = registry_.view.attach_group(registry_.os, process_, number, at(container));
    registry_.view.book(attached.id).set_charge(kPid, charge);
    std::strcpy(registry_.view.member(attached.id).group, name);
    return attached.id;
  }
  // What its reclaimer does about the request.
  void leave() {
    if (record_->request.load() == kRequestLeave) {
      add_group(kLeftBehind, "a", kLeftBehindName, mib(8));
      record_->groups_pages.store(mib(8).count);
      registry_.view.book(process_).set_charge(kPid, Pages::none());
      record_->request.store(0);
    }
  }
  bool ask() {
    return ask_to_leave(registry_.os, registry_.view, process_, kPid);
  }

  MemberId process_;
  MemberRecord* record_ = nullptr;
};

TEST_F(MoveStayTest, WhatItHoldsStaysAndNoLimitStandsInTheWay) {
  registry_.os.interleave(Call::kFutexWait, [this] { leave(); });
  ASSERT_TRUE(ask());
  ASSERT_EQ(move(kPid, "b", MovePolicy::kStay).failure, MoveFailure::kNone);
  EXPECT_EQ(usage("a"), mib(8));
  EXPECT_EQ(usage("b"), Pages::none());
  registry_.view.book(process_).set_charge(kPid, mib(3));
  EXPECT_EQ(usage("b"), mib(3));
  EXPECT_STREQ(moves()[0].text, "moved from a to b, policy stay");
  BookEntry left;
  ASSERT_TRUE(find_left_behind(registry_.view, process_, kPid, left));
  EXPECT_EQ(left.container, at("a"));
}

TEST_F(MoveStayTest, ItsThreadGroupsStayAsTheyAre) {
  add_group(0, "a/io", "io", mib(2));
  ASSERT_EQ(move(kPid, "b", MovePolicy::kStay).failure, MoveFailure::kNone);
  EXPECT_EQ(usage("a/io"), mib(2));
  ContainerId made;
  EXPECT_FALSE(registry_.view.find("b/io", made));
}

// From a container below its own, even.
TEST_F(MoveStayTest, WhatWasLeftDoesNotGoAlongLater) {
  registry_.view.container(at("b")).limit.store(UINT64_MAX);
  add_group(kLeftBehind, "a/io", kLeftBehindName, mib(2));
  ASSERT_EQ(move(kPid, "b").failure, MoveFailure::kNone);
  EXPECT_EQ(usage("a/io"), mib(2));
  ContainerId made;
  EXPECT_FALSE(registry_.view.find("b/io", made));
}

TEST_F(MoveStayTest, WhoDoesNotAnswerIsNotWaitedForForEver) {
  const std::uint64_t start = registry_.os.now_ns();
  EXPECT_FALSE(ask());
  EXPECT_LE(registry_.os.now_ns() - start, static_cast<std::uint64_t>(kMostAnswerNs) * 2);
  EXPECT_EQ(record_->request.load(), 0U) << "taken back";
  EXPECT_GT(record_->wake.load(), 0U);
}

TEST_F(MoveStayTest, WhoIsBusyWithAnotherRequestIsAskedAfterwards) {
  record_->request.store(kRequestReclaim);
  int waits = 0;
  registry_.os.interleave(Call::kFutexWait, [&] {
    if (++waits == 3) {
      record_->request.store(0);
    }
    leave();
  });
  EXPECT_TRUE(ask());
  EXPECT_EQ(usage("a"), mib(8));
}

TEST_F(MoveStayTest, WhoIsStoppedIsNotAsked) {
  registry_.os.add_process(kPid, {.state = 'T', .resident_pages = mib(8).count});
  EXPECT_FALSE(ask());
  EXPECT_EQ(record_->wake.load(), 0U);
}

TEST_F(MoveStayTest, WhoEndsMeanwhileIsNotWaitedFor) {
  const std::uint64_t start = registry_.os.now_ns();
  registry_.os.interleave(Call::kFutexWait, [this] { registry_.os.remove_process(kPid); });
  EXPECT_FALSE(ask());
  EXPECT_LT(registry_.os.now_ns() - start, static_cast<std::uint64_t>(kMostAnswerNs) / 2);
  EXPECT_EQ(record_->request.load(), 0U);
}

}  // namespace
}  // namespace weir
