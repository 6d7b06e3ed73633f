// move_room_test.cc - asking for room before a move, and what a refusal leaves.
#include "core/move_room.h"

#include "tests/core/move_support.h"

namespace weir {
namespace {

using testing::Call;
using testing::FakeOs;
using testing::FakeProcess;
using testing::MemoryRegistry;
using testing::mib;

class MoveRoomTest : public MoveFixture {
 protected:
  MoveRoomTest() {
    registry_.make("a");
    registry_.make("b", limited(mib(16)));
    member_ = add(kPid, "a", mib(8));
  }
  // What a refusal must leave: every entry as it was, no request, no event, and not long after.
  void expect_refused(MoveFailure why, MovePolicy policy = MovePolicy::kReserve) {
    const auto before = books();
    const std::uint64_t start = registry_.os.now_ns();
    EXPECT_EQ(move(kPid, "b", policy).failure, why);
    EXPECT_EQ(books(), before);
    EXPECT_TRUE(moves().empty());
    for (const MemberRecord& record : registry_.view.raw().members) {
      ASSERT_EQ(record.request.load(), 0U);
    }
    EXPECT_LE(registry_.os.now_ns() - start, static_cast<std::uint64_t>(kMoveWaitNs) + 100'000'000);
  }

  MemberId member_;
};

TEST_F(MoveRoomTest, MembersOfTheDestinationMakeRoomByTheirShares) {
  add_answering(kOther, "b", mib(9));
  add_answering(kOther + 1, "b", mib(3));
  registry_.os.interleave(Call::kFutexWait, [&] {
    serve(kOther);
    serve(kOther + 1);
  });
  const MoveResult result = move(kPid, "b");
  EXPECT_EQ(result.failure, MoveFailure::kNone);
  EXPECT_GE(result.freed, mib(4));
  EXPECT_LE(result.freed, mib(5));
  EXPECT_EQ(usage("b"), mib(20) - result.freed);
  EXPECT_NEAR(static_cast<double>(registry_.view.book(MemberId{1}).load().charge.count), 9.0 / 12 * 256 * 7.75, 8);
}

TEST_F(MoveRoomTest, AMemberThatGivesLittleIsAskedAgainThenRefused) {
  add_answering(kOther, "b", mib(12));
  int left = 3;
  registry_.os.interleave(Call::kFutexWait, [&] { serve(kOther, left-- > 0 ? mib(1) : Pages::none()); });
  const MoveResult result = move(kPid, "b");
  EXPECT_EQ(result.failure, MoveFailure::kNoRoom);
  EXPECT_EQ(result.freed, mib(3));
  EXPECT_EQ(result.plan.tightest.room(), mib(7)) << "the figures are those after the asking";
  EXPECT_EQ(usage("a"), mib(8));
  EXPECT_TRUE(moves().empty());
}

TEST_F(MoveRoomTest, ASilentReclaimerIsWaitedForTwoSecondsOnly) {
  add_answering(kOther, "b", mib(12));
  expect_refused(MoveFailure::kNoRoom);
  EXPECT_GT(registry_.os.calls(Call::kFutexWait), 30);
}

TEST_F(MoveRoomTest, NobodyIsAskedWhoCannotAnswer) {
  add(kOther, "b", mib(4));                                           // no reclaimer
  add_answering(kOther + 1, "b", mib(4), FakeProcess{.state = 'T'});  // stopped
  MemberRecord& busy = add_answering(kOther + 2, "b", mib(4));
  busy.request.store(kRequestDump);
  busy.reclaim_wanted.store(77);
  const auto before = books();
  EXPECT_EQ(move(kPid, "b").failure, MoveFailure::kNoRoom);
  EXPECT_EQ(books(), before);
  EXPECT_EQ(registry_.os.now_ns(), MemoryRegistry::kStartNs) << "no waiting";
  EXPECT_EQ(busy.request.load(), kRequestDump);
  EXPECT_EQ(busy.reclaim_wanted.load(), 77U) << "it belongs to whoever asked first";
}

TEST_F(MoveRoomTest, NobodyIsTroubledWhenAllOfItWouldNotDo) {
  registry_.view.container(at("b")).limit.store(mib(7).count);
  MemberRecord& record = add_answering(kOther, "b", mib(6));
  expect_refused(MoveFailure::kNoRoom);
  EXPECT_EQ(record.wake.load(), 0U);
}

TEST_F(MoveRoomTest, AMinimumBelowIsLeftAlone) {
  registry_.make("b/kept");
  registry_.view.container(at("b/kept")).minimum.store(mib(12).count);
  MemberRecord& record = add_answering(kOther, "b/kept", mib(12));
  expect_refused(MoveFailure::kNoRoom);
  EXPECT_EQ(record.wake.load(), 0U);
}

TEST_F(MoveRoomTest, AMemberThatDiesMeanwhileMakesRoomToo) {
  add_answering(kOther, "b", mib(12));
  registry_.os.interleave(Call::kFutexWait, [&] { registry_.os.remove_process(kOther); });
  EXPECT_EQ(move(kPid, "b").failure, MoveFailure::kNone);
  EXPECT_EQ(usage("b"), mib(8));
}

TEST_F(MoveRoomTest, TheMovedOneMayDieMeanwhile) {
  add_answering(kOther, "b", mib(12));
  registry_.os.interleave(Call::kFutexWait, [&] {
    registry_.os.remove_process(kPid);
    serve(kOther);
  });
  EXPECT_EQ(move(kPid, "b").failure, MoveFailure::kDead);
  EXPECT_TRUE(moves().empty());
}

TEST_F(MoveRoomTest, TheDestinationMayGoMeanwhile) {
  add_answering(kOther, "b", mib(12));
  registry_.os.interleave(Call::kFutexWait, [&] {
    registry_.os.remove_process(kOther);
    static_cast<void>(registry_.view.remove(registry_.os, at("b")));
  });
  EXPECT_EQ(move(kPid, "b").failure, MoveFailure::kNoContainer);
  EXPECT_EQ(usage("a"), mib(8));
}

TEST_F(MoveRoomTest, WithoutTheLockNothingMoves) {
  registry_.os.fail(Call::kFlock, EWOULDBLOCK);
  expect_refused(MoveFailure::kBusy);
  expect_refused(MoveFailure::kBusy, MovePolicy::kLazy);
}

TEST_F(MoveRoomTest, AFailureAtAnyStepMovesAllOrNothing) {
  constexpr Call kSteps[] = {Call::kOpen, Call::kPread, Call::kClose, Call::kFlock, Call::kFutexWait, Call::kFutexWake};
  for (const Call step : kSteps) {
    for (int after = 0; after < 40; ++after) {
      for (const MovePolicy policy : {MovePolicy::kReserve, MovePolicy::kLazy}) {
        MemoryRegistry fresh;
        const ContainerId a = fresh.make("a");
        const ContainerId b = fresh.make("b", limited(mib(16)));
        const MemberId moved = fresh.add_member(kPid, a, mib(8));
        const MemberId other = fresh.add_member(kOther, b, mib(12));
        fresh.view.member(other).reclaimer_tid.store(kOther);
        const std::uint64_t before = fresh.view.book(moved).load().packed();
        fresh.os.fail(step, EIO, after % 2 == 0 ? 1 : FakeOs::kAlways, after / 2);
        const MoveResult result = move_member(fresh.os, fresh.view, {kPid, "b", policy, ""});
        const BookEntry entry = fresh.view.book(moved).load();
        EXPECT_EQ(entry.charge, mib(8));
        EXPECT_EQ(fresh.view.member(other).request.load(), 0U) << "taken back, for nobody answers here";
        EXPECT_EQ(entry.container, result.failure == MoveFailure::kNone ? b : a);
        EXPECT_EQ(entry.packed() == before, result.failure != MoveFailure::kNone);
        EXPECT_EQ(usage_of(fresh.view, a) + usage_of(fresh.view, b), mib(20));
        EXPECT_NE(move_member(fresh.os, fresh.view, {kPid, "a", MovePolicy::kReserve, ""}).failure,
                  MoveFailure::kNoRoom);
        EXPECT_EQ(usage_of(fresh.view, a) + usage_of(fresh.view, b), mib(20));
      }
    }
  }
}

}  // namespace
}  // namespace weir
