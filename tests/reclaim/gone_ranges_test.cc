// gone_ranges_test.cc - what is known to be paged out: joined, cut, and passed by only where that is true.
#include "reclaim/gone_ranges.h"

#include <gmock/gmock.h>

#include <vector>

#include "reclaim/ranking.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uintptr_t kMega = kMiB;

AddressRange mib(std::uint64_t begin, std::uint64_t end) {
  return {begin * kMega, end * kMega};
}

std::vector<AddressRange> content(const GoneRanges& gone) {
  return {gone.begin(), gone.end()};
}

TEST(GoneRangesTest, NeighboursBecomeOne) {
  GoneRanges gone;
  gone.add(mib(10, 12));
  gone.add(mib(14, 16));
  EXPECT_THAT(content(gone), ElementsAre(mib(10, 12), mib(14, 16)));
  gone.add(mib(12, 14));
  EXPECT_THAT(content(gone), ElementsAre(mib(10, 16)));
  gone.add(mib(9, 20));
  EXPECT_THAT(content(gone), ElementsAre(mib(9, 20)));
}

TEST(GoneRangesTest, SmallOnesOnlyMakeOthersLonger) {
  GoneRanges gone;
  gone.add({kMega, kMega + kGranuleBytes});
  EXPECT_THAT(content(gone), IsEmpty());
  gone.add(mib(2, 3));
  gone.add({3 * kMega, 3 * kMega + kGranuleBytes});
  EXPECT_THAT(content(gone), ElementsAre(AddressRange{2 * kMega, 3 * kMega + kGranuleBytes}));
}

TEST(GoneRangesTest, ACutLeavesWhatIsWorthIt) {
  GoneRanges gone;
  gone.add(mib(10, 20));
  gone.cut({12 * kMega, 12 * kMega + kPageBytes});
  EXPECT_THAT(content(gone), ElementsAre(mib(10, 12), AddressRange{12 * kMega + kPageBytes, 20 * kMega}));
  gone.cut(mib(11, 30));
  EXPECT_THAT(content(gone), ElementsAre(mib(10, 11)));
  gone.cut({10 * kMega, 10 * kMega + kPageBytes});
  EXPECT_THAT(content(gone), IsEmpty()) << "less than 1 MiB is left";
}

TEST(GoneRangesTest, AFullTableKeepsTheLongest) {
  GoneRanges gone;
  for (std::uint64_t i = 0; i < GoneRanges::kMost; ++i) {
    gone.add(mib(100 * i, 100 * i + 2 + i % 2));
  }
  gone.add(mib(100000, 100001));
  EXPECT_EQ(content(gone).size(), GoneRanges::kMost);
  EXPECT_NE(content(gone).back(), mib(100000, 100001)) << "none there is shorter";
  gone.add(mib(150, 160));
  const std::vector<AddressRange> found = content(gone);
  EXPECT_EQ(found.size(), GoneRanges::kMost);
  EXPECT_THAT(found, ::testing::Contains(mib(150, 160)));
  for (std::size_t i = 1; i < found.size(); ++i) {
    EXPECT_LT(found[i - 1].end, found[i].begin) << "in order";
  }
  gone.cut(mib(150, 160));
  gone.add(mib(100, 103));
  gone.cut({101 * kMega, 101 * kMega + kPageBytes});
  EXPECT_LE(content(gone).size(), GoneRanges::kMost);
}

TEST(GoneRangesTest, ASampleCutsAroundItAndTooManyCutAll) {
  GoneRanges gone;
  gone.add(mib(10, 30));
  gone.touched(20 * kMega + 12345);
  gone.forget_touched();
  EXPECT_THAT(content(gone), ElementsAre(mib(10, 19), mib(22, 30)));
  gone.forget_touched();
  EXPECT_EQ(content(gone).size(), 2U);
  for (int i = 0; i < 1000; ++i) {
    gone.touched(kMega);
  }
  gone.forget_touched();
  EXPECT_THAT(content(gone), IsEmpty());
}

// The ranking over a heap of 64 MiB, of which the first 48 are known to be gone.
class PassedByTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kPagesOfMib = kMiB / kPageBytes;

  void SetUp() override {
    machine_.engine.pagemap.open(machine_.os);
    machine_.os.touch(48 * kPagesOfMib, 16 * kPagesOfMib);
    ranking_.gone().add({kHeap, kHeap + 48 * kMega});
  }
  Pages build(Pages held) {
    EXPECT_EQ(ranking_.build(machine_.os, machine_.engine.pagemap, {}, true, {}, held), 0);
    return ranking_.resident();
  }

  Machine machine_{kMarks};
  Ranking ranking_;
};

TEST_F(PassedByTest, WhatIsGoneIsNotLookedAt) {
  machine_.os.touch(0, 16);  // unseen
  EXPECT_EQ(build(Pages{16 * kPagesOfMib}), Pages{16 * kPagesOfMib});
}

TEST_F(PassedByTest, WithoutAFigureOfWhatIsHeldAllIsLookedAt) {
  machine_.os.touch(0, 16);
  EXPECT_EQ(build(Pages::none()), Pages{16 * kPagesOfMib + 16});
}

TEST_F(PassedByTest, TheLastRoundsBeforeAKillLookEverywhere) {
  machine_.os.touch(0, 16);
  const Pages held{16 * kPagesOfMib + 16};
  ASSERT_EQ(ranking_.build(machine_.os, machine_.engine.pagemap, {}, false, {}, held), 0);
  EXPECT_EQ(ranking_.resident(), held);
}

TEST_F(PassedByTest, WhatIsMissingIsLookedForEverywhere) {
  machine_.os.touch(0, 8 * kPagesOfMib);
  EXPECT_EQ(build(Pages{24 * kPagesOfMib}), Pages{24 * kPagesOfMib});
  EXPECT_EQ(ranking_.gone().begin()->begin, kHeap + 8 * kMega) << "and is not passed by again";
}

TEST_F(PassedByTest, WhatComesBackUnseenIsFoundInTheEnd) {
  machine_.os.touch(0, 16);
  Pages found;
  for (int builds = 0; builds < 40 && found < Pages{16 * kPagesOfMib + 16}; ++builds) {
    found = build(Pages{16 * kPagesOfMib + 16});
  }
  EXPECT_EQ(found, (Pages{16 * kPagesOfMib + 16}));
}

TEST_F(PassedByTest, WhatWasPagedOutWholeIsGone) {
  Machine fresh(kMarks);
  fresh.engine.pagemap.open(fresh.os);
  fresh.os.touch(0, 4 * kPagesOfMib);
  SharedRanking& shared = fresh.engine.shared;
  ASSERT_EQ(shared.ranking.build(fresh.os, fresh.engine.pagemap, {}, true), 0);
  const EvictOutcome outcome = evict(fresh.os, fresh.engine.pagemap, shared, Pages{2 * kPagesOfMib});
  ASSERT_GE(outcome.done, Pages{kPagesOfMib});
  std::size_t bytes = 0;
  for (const AddressRange& range : shared.ranking.gone()) {
    bytes += range.bytes();
  }
  EXPECT_GE(bytes, kMega);
}

}  // namespace
}  // namespace weir::testing
