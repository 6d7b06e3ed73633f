// book_test.cc - one entry in one word: packing at its ends, and steps that are whole or do not happen.
#include "core/book.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace weir {
namespace {

constexpr std::uint32_t kLargestPid = (1U << 22) - 1;
constexpr ContainerId kLastContainer{1023};
constexpr Pages kMostPages{UINT32_MAX};

void expect_same(const BookEntry& a, const BookEntry& b) {
  EXPECT_EQ(a.pid, b.pid);
  EXPECT_EQ(a.container, b.container);
  EXPECT_EQ(a.charge, b.charge);
}

TEST(BookEntryTest, ComesBackAsItWasPacked) {
  for (const std::uint32_t pid : {0U, 1U, 4711U, kLargestPid}) {
    for (const std::uint32_t container : {0U, 1U, 512U, 1023U}) {
      for (const std::uint64_t charge : {0ULL, 1ULL, 4096ULL, 0xFFFFFFFEULL, 0xFFFFFFFFULL}) {
        const BookEntry entry{pid, ContainerId{container}, Pages{charge}};
        expect_same(BookEntry::from(entry.packed()), entry);
      }
    }
  }
}

TEST(BookEntryTest, ChargeSaturatesAndTouchesNoOtherField) {
  for (const std::uint64_t charge : {1ULL << 32, (1ULL << 32) + 5, 1ULL << 42, (unsigned long long)UINT64_MAX}) {
    const BookEntry entry{kLargestPid, kLastContainer, Pages{charge}};
    expect_same(BookEntry::from(entry.packed()), {kLargestPid, kLastContainer, kMostPages});
    const BookEntry small{1, ContainerId{0}, Pages{charge}};
    expect_same(BookEntry::from(small.packed()), {1, ContainerId{0}, kMostPages});
  }
}

TEST(BookEntryTest, AFreePlaceIsAllZero) {
  EXPECT_EQ(BookEntry{}.packed(), 0U);
  EXPECT_EQ(BookEntry::from(0).pid, 0U);
}

TEST(BookWordTest, AFreePlaceIsClaimedOnce) {
  BookWord word{};
  EXPECT_TRUE(word.claim({7, ContainerId{3}, Pages{5}}));
  EXPECT_FALSE(word.claim({8, ContainerId{4}, Pages{6}}));
  expect_same(word.load(), {7, ContainerId{3}, Pages{5}});
}

TEST(BookWordTest, ReplaceNeedsExactlyWhatItExpects) {
  BookWord word{};
  const BookEntry entry{7, ContainerId{3}, Pages{5}};
  ASSERT_TRUE(word.claim(entry));
  const BookEntry wanted{7, ContainerId{9}, Pages{5}};
  EXPECT_FALSE(word.replace({8, ContainerId{3}, Pages{5}}, wanted));
  EXPECT_FALSE(word.replace({7, ContainerId{2}, Pages{5}}, wanted));
  EXPECT_FALSE(word.replace({7, ContainerId{3}, Pages{6}}, wanted));
  EXPECT_FALSE(word.replace(BookEntry{}, wanted));
  expect_same(word.load(), entry);
  EXPECT_TRUE(word.replace(entry, wanted));
  expect_same(word.load(), wanted);
}

TEST(BookWordTest, SetChargeFollowsTheEntryIntoAnotherContainer) {
  BookWord word{};
  ASSERT_TRUE(word.claim({7, ContainerId{3}, Pages{5}}));
  ASSERT_TRUE(word.replace({7, ContainerId{3}, Pages{5}}, {7, ContainerId{9}, Pages{5}}));
  EXPECT_TRUE(word.set_charge(7, Pages{50}));
  expect_same(word.load(), {7, ContainerId{9}, Pages{50}});
}

TEST(BookWordTest, SetChargeSaturates) {
  BookWord word{};
  ASSERT_TRUE(word.claim({7, ContainerId{3}, Pages{5}}));
  EXPECT_TRUE(word.set_charge(7, Pages::all()));
  expect_same(word.load(), {7, ContainerId{3}, kMostPages});
  EXPECT_TRUE(word.set_charge(7, Pages{1}));
  expect_same(word.load(), {7, ContainerId{3}, Pages{1}});
}

TEST(BookWordTest, SomebodyElsesEntryIsNeitherChargedNorReleased) {
  BookWord word{};
  ASSERT_TRUE(word.claim({7, ContainerId{3}, Pages{5}}));
  EXPECT_FALSE(word.set_charge(8, Pages{50}));
  word.release(8);
  expect_same(word.load(), {7, ContainerId{3}, Pages{5}});
}

TEST(BookWordTest, ReleaseFreesThePlaceForTheNext) {
  BookWord word{};
  ASSERT_TRUE(word.claim({7, ContainerId{3}, Pages{5}}));
  word.release(7);
  EXPECT_EQ(word.load().packed(), 0U);
  EXPECT_FALSE(word.set_charge(7, Pages{1})) << "a late charge must not bring the place back to life";
  EXPECT_TRUE(word.claim({8, ContainerId{4}, Pages{6}}));
}

// pid 0 is nobody: its "charge" would leave a place that looks free and cannot be claimed.
TEST(BookWordTest, NobodyHasNoCharge) {
  BookWord word{};
  EXPECT_FALSE(word.set_charge(0, Pages{9}));
  EXPECT_EQ(word.load().packed(), 0U);
  EXPECT_TRUE(word.claim({8, ContainerId{4}, Pages{6}}));
}

TEST(BookWordTest, OfManyThreadsOneClaimsAPlace) {
  for (int round = 0; round < 50; ++round) {
    BookWord word{};
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (std::uint32_t pid = 1; pid <= 4; ++pid) {
      threads.emplace_back([&, pid] { winners += word.claim({pid, ContainerId{pid}, Pages{pid}}) ? 1 : 0; });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(word.load().charge.count, word.load().pid);
  }
}

// A place may be reaped and given to another while its owner lets go of it.
TEST(BookWordTest, ALateReleaseDoesNotFreeTheNextOwnersPlace) {
  BookWord word{};
  std::atomic<bool> done{false};
  std::thread owner([&] {
    while (!done) {
      static_cast<void>(word.claim({7, ContainerId{0}, Pages{1}}));
      word.release(7);
    }
  });
  int taken_over = 0;
  int wiped = 0;
  for (int i = 0; i < 200000 && taken_over < 2000; ++i) {
    if (word.replace({7, ContainerId{0}, Pages{1}}, {8, ContainerId{0}, Pages{2}})) {
      ++taken_over;
      for (int look = 0; look < 20; ++look) {
        wiped += word.load().pid == 8 ? 0 : 1;
      }
      word.release(8);
    }
  }
  done = true;
  owner.join();
  EXPECT_EQ(wiped, 0) << "of " << taken_over;
}

// Charging and moving at once: at every look the entry is whole, and no charge gets lost.
TEST(BookWordTest, ChargesAndMovesAtOnceLoseNothing) {
  BookWord word{};
  ASSERT_TRUE(word.claim({7, ContainerId{0}, Pages{0}}));
  std::atomic<bool> done{false};
  std::thread mover([&] {
    for (std::uint32_t i = 0; !done; ++i) {
      const BookEntry seen = word.load();
      static_cast<void>(word.replace(seen, {seen.pid, ContainerId{i % 1024}, seen.charge}));
    }
  });
  for (std::uint64_t charge = 1; charge <= 20000; ++charge) {
    ASSERT_TRUE(word.set_charge(7, Pages{charge}));
    ASSERT_EQ(word.load().charge.count, charge);
    ASSERT_EQ(word.load().pid, 7U);
  }
  done = true;
  mover.join();
}

}  // namespace
}  // namespace weir
