// ranking_test.cc - who leaves first, and the tables it is decided from.
#include "reclaim/ranking.h"

#include <gmock/gmock.h>

#include <thread>

#include "reclaim/reclaim_lock.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

class RankingTest : public ::testing::Test {
 protected:
  RankingTest() {
    pagemap_.open(os_);
  }
  // Granule numbers of the heap in the order they would leave.
  std::vector<std::uint64_t> order(bool patient = true) {
    EXPECT_EQ(ranking_.build(os_, pagemap_, {}, patient), 0);
    std::vector<std::uint64_t> granules;
    for (Candidate candidate; ranking_.next(candidate);) {
      granules.push_back(candidate.granule.number - (kHeap >> kGranuleShift));
    }
    return granules;
  }

  MachineOs os_;
  ScanBuffer buffer_;
  Pagemap pagemap_{buffer_};
  Ranking ranking_;
};

TEST_F(RankingTest, TheOlderGoFirst) {
  os_.touch(16, 16);
  order();
  os_.touch(0, 16);
  EXPECT_THAT(order(), ::testing::ElementsAre(1, 0));
}

TEST_F(RankingTest, NeighboursOfOneAgeStayTogether) {
  os_.touch(0, 64);
  EXPECT_THAT(order(), ::testing::ElementsAre(0, 1, 2, 3));
}

TEST_F(RankingTest, WhatCameBackGoesLast) {
  os_.touch(0, 48);
  order();
  GranuleRecord* record = ranking_.map().find_or_make(os_, Granule::holding(kHeap));
  record->gone = 0xFFFF;
  record->present = 0;
  order();
  EXPECT_EQ(record->refaults, 1);
  EXPECT_EQ(record->gone, 0);
  DistanceCounts distances{};
  EXPECT_EQ(ranking_.take_refaults(distances), 16U);
  EXPECT_THAT(order(), ::testing::ElementsAre(1, 2, 0));
}

TEST_F(RankingTest, ARefaultIsAsFarAwayAsMuchLeftMeanwhile) {
  os_.touch(0, 32);
  order();
  GranuleRecord* record = ranking_.map().find_or_make(os_, Granule::holding(kHeap));
  ranking_.set_clock(UINT32_MAX - 100);  // it wraps on the way
  ranking_.note_evicted(*record, 0xFFFF);
  record->present = 0;
  ranking_.set_clock(std::uint64_t{UINT32_MAX} - 100 + 3000);
  os_.drop_all();
  os_.touch(16, 16);
  order();  // still missing
  ranking_.set_clock(std::uint64_t{UINT32_MAX} - 100 + 4000);
  os_.touch(0, 16);
  order();
  DistanceCounts distances{};
  EXPECT_EQ(ranking_.take_refaults(distances), 16U);
  EXPECT_EQ(distances[distance_class(Pages{3500})], 16U) << "between the two looks";
  DistanceCounts again{};
  EXPECT_EQ(ranking_.take_refaults(again), 0U);
  EXPECT_EQ(again, DistanceCounts{});
}

TEST_F(RankingTest, AClockThatStepsBackIsNoDistance) {
  os_.touch(0, 16);
  order();
  GranuleRecord* record = ranking_.map().find_or_make(os_, Granule::holding(kHeap));
  ranking_.set_clock(5000);
  ranking_.note_evicted(*record, 0xFFFF);
  record->present = 0;
  ranking_.set_clock(10);  // it was moved to another container
  order();
  DistanceCounts distances{};
  EXPECT_EQ(ranking_.take_refaults(distances), 16U);
  EXPECT_EQ(distances[0], 16U);
}

TEST_F(RankingTest, StuckGranulesRestUnlessPatienceIsOver) {
  os_.touch(0, 32);
  order();
  ranking_.map().find_or_make(os_, Granule::holding(kHeap))->stuck_rounds = 2;
  EXPECT_THAT(order(), ::testing::ElementsAre(1));
  EXPECT_THAT(order(false), ::testing::ElementsAre(0, 1));
}

TEST_F(RankingTest, WhatWouldNotLeaveCountsAsSuchWhileItIsAskedAgain) {
  os_.touch(0, 32);
  order();
  GranuleRecord* record = ranking_.map().find_or_make(os_, Granule::holding(kHeap));
  record->note_stuck(true);
  for (int builds = 0; builds < 20; ++builds) {
    order();
    EXPECT_EQ(ranking_.unevictable(), Pages{16});
  }
  record->note_stuck(false);
  order();
  EXPECT_EQ(ranking_.unevictable(), Pages::none());
}

TEST_F(RankingTest, OurOwnTablesAreNoCandidates) {
  os_.touch(0, 32);
  ASSERT_EQ(ranking_.build(os_, pagemap_, {kHeap, kHeap + kGranuleBytes}, true), 0);
  Candidate candidate;
  ASSERT_TRUE(ranking_.next(candidate));
  EXPECT_EQ(candidate.granule, Granule::holding(kHeap + kGranuleBytes));
  EXPECT_FALSE(ranking_.next(candidate));
}

TEST_F(RankingTest, WithoutMemoryForItsTablesItSaysSo) {
  os_.fail(Call::kMapAnonymous, ENOMEM);
  EXPECT_EQ(ranking_.build(os_, pagemap_, {}, true), ENOMEM);
}

TEST(GranuleMapTest, AnAddressOutsideTheAddressSpaceHasNoRecord) {
  FakeOs os;
  GranuleMap map;
  EXPECT_EQ(map.find_or_make(os, Granule::holding(UINTPTR_MAX)), nullptr);
  GranuleRecord* record = map.find_or_make(os, Granule::holding(kHeap));
  ASSERT_NE(record, nullptr);
  record->refaults = 3;
  EXPECT_EQ(map.find_or_make(os, Granule::holding(kHeap + kPageBytes))->refaults, 3);
}

// The kernel itself is the referee here: both ways of asking must see the same pages.
TEST(PagemapTest, ReadingAndScanningAgree) {
  constexpr std::size_t kBytes = 4 * kMiB;
  auto* memory = static_cast<char*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  madvise(memory, kBytes, MADV_NOHUGEPAGE);
  for (std::size_t page = 0; page < kBytes / kPageBytes; page += page % 7 == 0 ? 1 : 3) {
    memory[page * kPageBytes] = 1;
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  PageCounter scanned;
  PageCounter read;
  FakeOs no_scan;
  no_scan.fail(Call::kIoctl, ENOTTY);
  ScanBuffer buffers[2];
  Pagemap one(buffers[0]);
  Pagemap two(buffers[1]);
  ASSERT_EQ(one.open(raw_os()), 0);
  ASSERT_EQ(two.open(no_scan), 0);
  EXPECT_EQ(one.scan(raw_os(), {begin, begin + kBytes}, scanned), 0);
  EXPECT_EQ(two.scan(no_scan, {begin, begin + kBytes}, read), 0);
  EXPECT_FALSE(two.has_scan());
  EXPECT_GT(scanned.pages(), Pages{300});
  EXPECT_EQ(scanned.pages(), read.pages());
  one.close(raw_os());
  two.close(no_scan);
  munmap(memory, kBytes);
}

TEST(ReclaimLockTest, WhoCannotHaveItInTimeGoesOn) {
  ReclaimLock lock;
  ASSERT_TRUE(lock.lock(raw_os(), 0));
  EXPECT_FALSE(lock.lock(raw_os(), 1'000'000));
  lock.unlock(raw_os());
  EXPECT_TRUE(lock.lock(raw_os(), 1'000'000));
  lock.unlock(raw_os());
}

TEST(ReclaimLockTest, OneAtATime) {
  ReclaimLock lock;
  int counter = 0;
  const auto work = [&] {
    for (int i = 0; i < 20000; ++i) {
      while (!lock.lock(raw_os(), 1'000'000'000)) {
      }
      ++counter;
      lock.unlock(raw_os());
    }
  };
  std::thread one(work);
  std::thread two(work);
  one.join();
  two.join();
  EXPECT_EQ(counter, 40000);
}

}  // namespace
}  // namespace weir::testing
