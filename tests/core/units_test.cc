// units_test.cc - pages, ranges and granules: arithmetic that neither wraps nor goes below zero.
#include "core/units.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(PagesTest, APartlyFilledPageCounts) {
  EXPECT_EQ(Pages::holding(0).count, 0U);
  EXPECT_EQ(Pages::holding(1).count, 1U);
  EXPECT_EQ(Pages::holding(kPageBytes).count, 1U);
  EXPECT_EQ(Pages::holding(kPageBytes + 1).count, 2U);
  EXPECT_EQ(Pages::holding(16 * kMiB).count, 4096U);
}

TEST(PagesTest, HoldingTheLargestByteCountDoesNotWrap) {
  EXPECT_EQ(Pages::holding(UINT64_MAX).count, std::uint64_t{1} << 52);
}

TEST(PagesTest, BytesAreTheInverseOfHolding) {
  for (const std::uint64_t pages : {0ULL, 1ULL, 4096ULL, 1ULL << 32}) {
    EXPECT_EQ(Pages::holding(Pages{pages}.bytes()).count, pages);
  }
}

TEST(PagesTest, SubtractionStopsAtZero) {
  EXPECT_EQ(Pages{5} - Pages{3}, Pages{2});
  EXPECT_EQ(Pages{3} - Pages{3}, Pages::none());
  EXPECT_EQ(Pages{3} - Pages{5}, Pages::none());
  EXPECT_EQ(Pages::none() - Pages::all(), Pages::none());
}

TEST(PagesTest, AdditionStopsAtAll) {
  EXPECT_EQ(Pages{5} + Pages{3}, Pages{8});
  EXPECT_EQ(Pages::all() + Pages{1}, Pages::all());
  EXPECT_EQ(Pages{1} + Pages::all(), Pages::all());
  EXPECT_EQ(Pages::all() + Pages::all(), Pages::all());
  EXPECT_EQ(Pages{UINT64_MAX - 1} + Pages{2}, Pages::all());
}

TEST(PagesTest, NoLimitIsAboveEveryAmount) {
  EXPECT_TRUE(Pages::all().unlimited());
  EXPECT_FALSE(Pages{UINT64_MAX - 1}.unlimited());
  EXPECT_GT(Pages::all(), Pages{UINT64_MAX - 1});
  EXPECT_LT(Pages::none(), Pages{1});
}

TEST(AddressRangeTest, CountsBytesAndWholePages) {
  const AddressRange range{0x10000, 0x13000};
  EXPECT_EQ(range.bytes(), 0x3000U);
  EXPECT_EQ(range.pages(), Pages{3});
  EXPECT_EQ((AddressRange{0x10000, 0x10000}).pages(), Pages::none());
}

TEST(GranuleTest, HoldsItsAddressesAndNoOthers) {
  const Granule granule = Granule::holding(0x12345678);
  EXPECT_LE(granule.range().begin, 0x12345678U);
  EXPECT_GT(granule.range().end, 0x12345678U);
  EXPECT_EQ(granule.range().bytes(), kGranuleBytes);
  EXPECT_EQ(granule.range().pages(), Pages{kPagesPerGranule});
  EXPECT_EQ(Granule::holding(granule.range().begin), granule);
  EXPECT_EQ(Granule::holding(granule.range().end - 1), granule);
  EXPECT_NE(Granule::holding(granule.range().end), granule);
  EXPECT_NE(Granule::holding(granule.range().begin - 1), granule);
}

}  // namespace
}  // namespace weir
