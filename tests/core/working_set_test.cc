// working_set_test.cc - from distances of refaults to the memory that is lacking.
#include "core/working_set.h"

#include <gmock/gmock.h>

namespace weir {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStart = 1000 * kSecond;

DistanceCounts at_distance(std::uint64_t pages, std::uint32_t refaults) {
  DistanceCounts counts{};
  counts[distance_class(Pages{pages})] = refaults;
  return counts;
}

TEST(DistanceClassTest, EveryDistanceIsWithinItsBounds) {
  for (std::uint64_t pages = 1; pages < (std::uint64_t{1} << 21); pages += 1 + pages / 7) {
    const std::size_t found = distance_class(Pages{pages});
    EXPECT_LE(pages, distance_bound(found).count);
    if (found > 0) {
      EXPECT_GT(pages, distance_bound(found - 1).count);
      EXPECT_LT(distance_bound(found).count, pages * 142 / 100 + 2) << "no class is wider than half an octave";
    }
  }
  EXPECT_EQ(distance_class(Pages::none()), 0U);
  EXPECT_EQ(distance_class(Pages::all()), kDistanceClasses - 1);
}

TEST(WorkingSetTest, NoMoreIsLackingThanIsOut) {
  DistanceRecord record{};
  note_distances(record, at_distance(100'000, 1000), Pages{3000}, kStart);
  const WorkingSet set = working_set_at(record, kStart);
  EXPECT_EQ(set.for_half, Pages{3000}) << "the same pages left again and again";
  EXPECT_EQ(set.for_tenth, Pages{3000});
}

TEST(WorkingSetTest, WithoutRefaultsNothingIsLacking) {
  DistanceRecord record{};
  const WorkingSet set = working_set_at(record, kStart);
  EXPECT_EQ(set.refaults_per_second, 0U);
  EXPECT_EQ(set.for_half, Pages::none());
  EXPECT_EQ(set.for_tenth, Pages::none());
}

TEST(WorkingSetTest, ALoopLacksAsMuchAsItsDistance) {
  DistanceRecord record{};
  note_distances(record, at_distance(4096, 10'000), Pages::all(), kStart);
  const WorkingSet set = working_set_at(record, kStart);
  EXPECT_NEAR(static_cast<double>(set.for_half.count), 3500, 50) << "the middle of its class";
  EXPECT_NEAR(static_cast<double>(set.for_tenth.count), 3976, 50);
  EXPECT_LE(set.for_tenth, Pages{4096});
}

TEST(WorkingSetTest, FewFarOnesAreWorthNoMemory) {
  DistanceRecord record{};
  note_distances(record, at_distance(256, 600), Pages::all(), kStart);
  note_distances(record, at_distance(2048, 350), Pages::all(), kStart);
  note_distances(record, at_distance(1 << 20, 50), Pages::all(), kStart);
  const WorkingSet set = working_set_at(record, kStart);
  EXPECT_LE(set.for_half, Pages{256});
  EXPECT_GT(set.for_half, Pages{181});
  EXPECT_LE(set.for_tenth, Pages{2048});
  EXPECT_GT(set.for_tenth, Pages{1448});
}

TEST(WorkingSetTest, ASteadyRateIsTold) {
  DistanceRecord record{};
  for (std::uint64_t s = 0; s < 200; ++s) {
    note_distances(record, at_distance(1000, 500), Pages::all(), kStart + s * kSecond);
  }
  EXPECT_NEAR(static_cast<double>(working_set_at(record, kStart + 200 * kSecond).refaults_per_second), 500, 50);
}

TEST(WorkingSetTest, ThePastFades) {
  DistanceRecord record{};
  note_distances(record, at_distance(1 << 18, 10'000), Pages::all(), kStart);
  for (std::uint64_t s = 100; s < 200; ++s) {
    note_distances(record, at_distance(100, 500), Pages::all(), kStart + s * kSecond);
  }
  EXPECT_LE(working_set_at(record, kStart + 200 * kSecond).for_tenth, Pages{128});
  EXPECT_EQ(working_set_at(record, kStart + 10'000 * kSecond).refaults_per_second, 0U);
}

}  // namespace
}  // namespace weir
