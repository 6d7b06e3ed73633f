// ranking_use_test.cc - evidence of use: what is in use stays, and when the ranking is made anew.
#include <gmock/gmock.h>

#include "reclaim/evictor.h"
#include "reclaim/ranking.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;

class RankingUseTest : public ::testing::Test {
 protected:
  RankingUseTest() {
    pagemap_.open(os_);
  }
  void build() {
    ASSERT_EQ(ranking_.build(os_, pagemap_, {}, true), 0);
  }
  std::vector<std::uint64_t> order() {
    build();
    std::vector<std::uint64_t> granules;
    for (Candidate candidate; ranking_.next(candidate);) {
      granules.push_back(candidate.granule.number - (kHeap >> kGranuleShift));
    }
    return granules;
  }
  GranuleRecord& record(std::uint64_t granule) {
    return *ranking_.map().find_or_make(os_, Granule::holding(kHeap + granule * kGranuleBytes));
  }
  // As many passes that found this share of it used, in 16ths.
  void use(std::uint64_t granule, std::uint64_t sixteenths, int passes = 1) {
    for (int i = 0; i < passes; ++i) {
      ranking_.note_use(record(granule), Pages{sixteenths}, Pages{16});
    }
  }

  MachineOs os_;
  ScanBuffer buffer_;
  Pagemap pagemap_{buffer_};
  Ranking ranking_;
};

TEST_F(RankingUseTest, WithEvidenceTheLeastUsedGoesFirst) {
  os_.touch(0, 48);
  build();
  ranking_.has_evidence(true);
  use(0, 16);
  use(1, 0, 8);
  use(2, 8);
  EXPECT_THAT(order(), ElementsAre(1, 2, 0));
}

TEST_F(RankingUseTest, WithEvidenceItIsUseThatCountsNotRefaults) {
  os_.touch(0, 32);
  build();
  record(0).refaults = 7;
  use(0, 0, 8);
  use(1, 16, 2);
  EXPECT_THAT(order(), ElementsAre(1, 0)) << "without";
  ranking_.has_evidence(true);
  EXPECT_THAT(order(), ElementsAre(0, 1));
}

TEST_F(RankingUseTest, UseIsForgottenByHalvesWithEachPass) {
  os_.touch(0, 16);
  build();
  record(0).heat = 0;
  use(0, 16);
  const auto hot = record(0).heat;
  EXPECT_EQ(hot, 127U);
  use(0, 0);
  EXPECT_EQ(record(0).heat, hot / 2);
  use(0, 0, 6);
  EXPECT_EQ(record(0).heat, 0U);
}

TEST_F(RankingUseTest, HeatNeverOverflows) {
  os_.touch(0, 16);
  build();
  ranking_.note_use(record(0), Pages{UINT32_MAX}, Pages{16});
  EXPECT_LE(record(0).heat, 254U) << "no more is used than there is";
  use(0, 16, 100);
  EXPECT_GE(record(0).heat, 252U);
}

TEST_F(RankingUseTest, AMappingWithoutMemoryHeatsNothing) {
  os_.touch(0, 16);
  build();
  record(0).heat = 10;
  ranking_.note_use(record(0), Pages{5}, Pages::none());
  EXPECT_EQ(record(0).heat, 5U);
}

TEST_F(RankingUseTest, AStrayPageKeepsNothingYoung) {
  os_.touch(0, 32);
  build();
  os_.touch(32, 16);  // and the others grow older
  build();
  const auto born = record(2).born;
  ASSERT_LT(record(0).born, born);
  ranking_.note_use(record(0), Pages{1}, Pages{16});  // a 16th of 127 is 7: below the least share
  ranking_.note_use(record(1), Pages{8}, Pages{16});
  EXPECT_LT(record(0).born, born);
  EXPECT_EQ(record(1).born, born);
}

TEST_F(RankingUseTest, WhatIsNewIsNoColderThanWhatWasJustUsed) {
  os_.touch(0, 16);
  build();
  ranking_.has_evidence(true);
  use(0, 16);
  os_.touch(16, 16);
  EXPECT_GE(record(0).heat >> 5U, 3U);
  build();
  EXPECT_GE(record(1).heat >> 5U, 3U) << "fresh memory gets the benefit of the doubt";
}

TEST_F(RankingUseTest, TheNextIsHotOnlyWithEvidenceOfUse) {
  os_.touch(0, 32);
  build();
  record(0).refaults = 15;
  record(1).refaults = 15;
  build();
  EXPECT_FALSE(ranking_.next_is_hot()) << "what came back often may be out of use by now";
  ranking_.has_evidence(true);
  use(0, 16);
  use(1, 16);
  build();
  EXPECT_TRUE(ranking_.next_is_hot());
  use(1, 0, 8);
  build();
  EXPECT_FALSE(ranking_.next_is_hot()) << "the coldest is what counts";
  Candidate candidate;
  ASSERT_TRUE(ranking_.next(candidate));
  EXPECT_TRUE(ranking_.next_is_hot());
  ASSERT_TRUE(ranking_.next(candidate));
  EXPECT_FALSE(ranking_.next_is_hot()) << "an empty ranking has no next";
}

TEST_F(RankingUseTest, AQuarterTakenUsesItUp) {
  os_.touch(0, 4096);
  build();
  Candidate candidate;
  for (int taken = 0; taken < 1024; taken += candidate.resident) {
    ASSERT_TRUE(ranking_.next(candidate)) << taken;
  }
  EXPECT_FALSE(ranking_.peek(candidate));
  EXPECT_FALSE(ranking_.next(candidate));
  build();
  EXPECT_TRUE(ranking_.peek(candidate)) << "a new ranking starts anew";
}

TEST_F(RankingUseTest, AHugePageMayBeFinishedAfterIt) {
  os_.touch(0, 4096);
  os_.huge_pages = true;
  build();
  Candidate candidate;
  std::uint64_t end = 0;
  while (ranking_.next(candidate)) {
    end = candidate.granule.range().end;
  }
  EXPECT_FALSE(ranking_.next_at(end + kGranuleBytes, candidate)) << "not what comes next";
  ASSERT_TRUE(ranking_.next_at(end, candidate));
  EXPECT_EQ(candidate.granule.range().begin, end);
  EXPECT_EQ(ranking_.heat(0), 4096U - 1024U - 16U) << "off its class, as any that is taken";
}

TEST_F(RankingUseTest, AHugePageLeavesWholeThoughTheRankingIsUsedUp) {
  os_.touch(256, 4096);  // a quarter, 1024, ends in the middle of 2 MiB
  os_.huge_pages = true;
  SharedRanking shared;
  ASSERT_EQ(shared.ranking.build(os_, pagemap_, {}, true), 0);
  const EvictOutcome outcome = evict(os_, pagemap_, shared, Pages{4096});
  EXPECT_TRUE(outcome.ranking_empty);
  EXPECT_EQ(outcome.done, Pages{256 + 512 + 512});
}

TEST_F(RankingUseTest, SmallPagesLeaveAsFarAsTheRankingGoes) {
  os_.touch(256, 4096);
  SharedRanking shared;
  ASSERT_EQ(shared.ranking.build(os_, pagemap_, {}, true), 0);
  EXPECT_EQ(evict(os_, pagemap_, shared, Pages{4096}).done, Pages{1024});
}

TEST_F(RankingUseTest, WhatWouldNotLeaveDoesNotUseItUp) {
  os_.touch(0, 4096);
  build();
  Candidate candidate;
  for (int taken = 0; taken < 4096; taken += candidate.resident) {
    ASSERT_TRUE(ranking_.next(candidate)) << taken;
    ranking_.note_stayed(Pages{candidate.resident});
  }
}

TEST_F(RankingUseTest, ASmallOneLastsForOneBatch) {
  os_.touch(0, 512);
  build();
  Candidate candidate;
  for (int taken = 0; taken < 256; taken += candidate.resident) {
    ASSERT_TRUE(ranking_.next(candidate)) << "a quarter of 512, but no whole batch";
  }
  EXPECT_FALSE(ranking_.peek(candidate));
}

TEST_F(RankingUseTest, WhatIsTakenIsOffItsClass) {
  os_.touch(0, 40);
  build();
  EXPECT_EQ(ranking_.heat(0), 40U);
  EXPECT_EQ(ranking_.resident(), Pages{40});
  Candidate candidate;
  ASSERT_TRUE(ranking_.next(candidate));
  EXPECT_EQ(ranking_.heat(0), 24U);
}

}  // namespace
}  // namespace weir::testing
