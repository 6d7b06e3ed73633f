// readahead_pieces_test.cc - walks that leave their way: pieces in another order, almost in order, mostly there
// already.
#include "tests/reclaim/readahead_support.h"

namespace weir::testing {
namespace {

class PiecesTest : public ReadaheadTest {
 protected:
  // As begin_stream, and one step on its way.
  void walk(std::uint64_t from) {
    begin_stream(from);
    note(from + 96);
    asked().clear();
  }
};

TEST_F(PiecesTest, TheNextPieceIsReadAheadFromItsFirstSample) {
  walk(4000);
  note(3600);
  EXPECT_THAT(asked(), ::testing::ElementsAre(pages(3601, 3601 + kFirstWindow.count)));
}

TEST_F(PiecesTest, HoweverFarItIs) {
  walk(100);
  note(7000);
  EXPECT_THAT(asked(), ::testing::ElementsAre(pages(7001, 7001 + kFirstWindow.count)));
}

TEST_F(PiecesTest, InItsOwnDirection) {
  note(4000);
  note(3968);
  EXPECT_TRUE(note(3936));
  serve();
  note(3904);
  asked().clear();
  note(4500);
  EXPECT_THAT(asked(), ::testing::ElementsAre(pages(4500 - kFirstWindow.count, 4500)));
}

TEST_F(PiecesTest, OneAfterTheOther) {
  walk(6000);
  for (const std::uint64_t piece : {5500U, 5000U, 4500U}) {
    asked().clear();
    note(piece);
    EXPECT_EQ(asked().size(), 1U) << piece;
    note(piece + 32);
  }
}

TEST_F(PiecesTest, WhoLeavesHisWayTwiceInARowIsOnNone) {
  walk(4000);
  note(3000);
  asked().clear();
  for (const std::uint64_t number : {5000U, 1000U, 6000U, 2000U}) {
    note(number);
  }
  EXPECT_TRUE(asked().empty());
}

TEST_F(PiecesTest, AStepBackIntoWhatWasAskedForAsksForNothingTwice) {
  begin_stream(100);
  note(196);  // asks for 197 to 260
  note(190);
  note(228);
  note(260);
  ASSERT_GE(asked().size(), 2U);
  for (std::size_t i = 1; i < asked().size(); ++i) {
    EXPECT_EQ(asked()[i].begin, asked()[i - 1].end);
  }
}

// Of each four pages three are there: 32 faults are 128 pages further.
TEST_F(PiecesTest, WhatIsThereAlreadyDoesNotMakeAWalkSparse) {
  for (std::uint64_t number = 0; number < 800; ++number) {
    if (number % 4 != 1 || number < 300) {
      machine_.os.touch(number, 1);
    }
  }
  note(17);
  note(145);
  EXPECT_TRUE(note(273));
  serve();
  EXPECT_FALSE(note(401));
  ASSERT_FALSE(asked().empty());
  EXPECT_EQ(asked().front(), pages(402, 402 + kFirstWindow.count));
}

TEST_F(PiecesTest, WhatIsPassedByDoes) {
  for (std::uint64_t number = 1; number < 300; ++number) {
    machine_.os.touch(number, number % 4 == 1 || number % 7 == 0 ? 1 : 0);
  }
  note(17);
  note(145);
  EXPECT_TRUE(note(273));
  serve();
  note(401);
  EXPECT_TRUE(asked().empty());
}

TEST_F(PiecesTest, PiecesOfFreshMemoryAreLookedAtNowAndThen) {
  Machine fresh(kMarks);
  fresh.os.touch(0, 10);
  fresh.engine.pagemap.open(fresh.os);
  Readahead ahead;
  int looks = 0;
  for (std::uint64_t piece = 7680; piece > 0; piece -= 256) {  // each a MiB, the next one below it
    for (std::uint64_t number = piece; number < piece + 256; number += 32) {
      looks += ahead.note(fresh.os, 7, page(number), kPeriod) ? 1 : 0;
      ahead.serve(fresh.os, fresh.engine.pagemap, kMost);
    }
  }
  EXPECT_TRUE(fresh.os.wanted_ahead.empty());
  EXPECT_LE(looks, 10) << "of 240 samples";
}

}  // namespace
}  // namespace weir::testing
