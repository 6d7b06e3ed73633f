// move_journal_test.cc - a process with thread groups, and movers that are killed before they are done.
#include "core/move_journal.h"

#include <random>

#include "tests/core/move_support.h"

namespace weir {
namespace {

using testing::mib;

// A mover that was killed behind its last swap, of the process and both groups, from "a" to "b".
class CutMoveTest : public MoveGroupsFixture {
 protected:
  void SetUp() override {
    MoveGroupsFixture::SetUp();
    before_ = books();
    names_ = containers(registry_.view);
    RegistryView& view = registry_.view;
    const auto parts = [&] {
      MoveParts found;
      EXPECT_TRUE(parts_of_process(view, process_, view.book(process_).load(), at("b"), found));
      return found;
    };
    begin_move(view);
    ASSERT_TRUE(make_missing(registry_.os, view, parts(), at("a"), at("b")));
    Pages moved;
    ASSERT_TRUE(swap_parts(view, parts(), Pages::all(), moved));
    ASSERT_EQ(moved, mib(14));
  }
  void unswap(MemberId member, std::string_view container) {
    const BookEntry entry = registry_.view.book(member).load();
    ASSERT_TRUE(registry_.view.book(member).replace(entry, {entry.pid, at(container), entry.charge}));
  }

  std::vector<std::uint64_t> before_;
  std::vector<std::string> names_;
};

TEST_F(CutMoveTest, BehindTheLastSwapItIsDone) {
  settle_move(registry_.os, registry_.view);
  EXPECT_EQ(usage("a"), Pages::none());
  EXPECT_EQ(usage("b/io"), mib(4));
  EXPECT_STREQ(moves()[0].text, "the move was done when its mover was killed");
  take_back_move(registry_.view);
  EXPECT_EQ(usage("b/io"), mib(4)) << "nothing is left to take back";
}

TEST_F(CutMoveTest, BeforeItNothingHasHappened) {
  unswap(process_, "a");
  settle_move(registry_.os, registry_.view);
  EXPECT_EQ(books(), before_);
  EXPECT_EQ(containers(registry_.view), names_);
  EXPECT_STREQ(moves()[0].text, "its mover was killed: the move was taken back");
  settle_move(registry_.os, registry_.view);
  EXPECT_EQ(moves().size(), 1U) << "once";
}

TEST_F(CutMoveTest, WhoTakesItBackMayBeKilledToo) {
  unswap(process_, "a");
  unswap(bio_, "a/bio");
  settle_move(registry_.os, registry_.view);
  EXPECT_EQ(books(), before_);
  EXPECT_EQ(containers(registry_.view), names_);
}

TEST_F(CutMoveTest, WhatGrewMeanwhileGoesBackAsItIs) {
  unswap(process_, "a");
  ASSERT_TRUE(registry_.view.book(io_).set_charge(kPid, mib(5)));
  settle_move(registry_.os, registry_.view);
  EXPECT_EQ(usage("a/io"), mib(5));
  EXPECT_EQ(usage("b"), Pages::none());
}

TEST_F(CutMoveTest, AContainerThatHasAMemberByNowStays) {
  unswap(process_, "a");
  add(kOther, "b/io", mib(1));
  settle_move(registry_.os, registry_.view);
  EXPECT_EQ(usage("b/io"), mib(1));
  EXPECT_EQ(usage("a"), mib(14));
}

TEST_F(CutMoveTest, AProcessThatHasEndedIsLeftAlone) {
  for (const MemberId member : {process_, io_, bio_}) {
    registry_.view.book(member).release(kPid);
  }
  settle_move(registry_.os, registry_.view);
  EXPECT_EQ(usage("a") + usage("b"), Pages::none());
}

TEST_F(CutMoveTest, TheNextMoveAndTheNextLookSettleIt) {
  unswap(process_, "a");
  settle_cut_move(registry_.os, registry_.view);
  EXPECT_EQ(books(), before_);
  EXPECT_EQ(move(kPid, "b").failure, MoveFailure::kNone);
  EXPECT_EQ(usage("b"), mib(14));
}

using MoveJournalTest = MoveGroupsFixture;

TEST_F(MoveJournalTest, AMoverKilledAtAnyMomentHasMovedAllOrNothing) {
  WEIR_SKIP_UNDER_TSAN();
  const SharedBooks shared(registry_);
  std::mt19937 chance(20080606);
  int cut = 0;
  for (int i = 0; i < testing::children_for(200); ++i) {
    ASSERT_NO_FATAL_FAILURE(kill_a_mover(static_cast<useconds_t>(500 + chance() % 3000)));
    cut += registry_.view.raw().move.under_way.load() != 0 ? 1 : 0;
    settle_move(registry_.os, registry_.view);
    const bool in_b = registry_.view.book(process_).load().container == at("b");
    ASSERT_EQ(usage(in_b ? "b" : "a"), mib(14)) << i;
    ASSERT_EQ(usage(in_b ? "a" : "b"), Pages::none()) << i;
    ASSERT_EQ(registry_.view.book(io_).load().charge, mib(4));
    ASSERT_EQ(registry_.view.book(io_).load().container, at(in_b ? "b/io" : "a/io"));
  }
  RecordProperty("cut", cut);
}

}  // namespace
}  // namespace weir
