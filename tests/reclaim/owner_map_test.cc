// owner_map_test.cc - whose a granule is, and that a fork child begins with a map of its own.
#include "reclaim/owner_map.h"

#include <gtest/gtest.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr std::uintptr_t kGibibyte = std::uintptr_t{1} << 30;

class OwnerMapTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::uint8_t owner_at(std::uintptr_t address) const {
    return owners_.owner_of(Granule::holding(address));
  }

  Machine machine_{kMarks};
  OwnerMap owners_;
};

TEST_F(OwnerMapTest, AGranuleIsWhosItsMiddleIs) {
  owners_.set(machine_.os, {kGibibyte, kGibibyte + 3 * kGranuleBytes + kGranuleBytes / 4}, 2);
  EXPECT_EQ(owner_at(kGibibyte - 1), OwnerMap::kNobody);
  EXPECT_EQ(owner_at(kGibibyte), 2);
  EXPECT_EQ(owner_at(kGibibyte + 3 * kGranuleBytes - 1), 2);
  EXPECT_EQ(owner_at(kGibibyte + 3 * kGranuleBytes), OwnerMap::kNobody);
}

TEST_F(OwnerMapTest, AdoptedIsOnlyWhatIsNobodys) {
  owners_.set(machine_.os, {kGibibyte, kGibibyte + kGranuleBytes}, 1);
  owners_.adopt(machine_.os, {kGibibyte, kGibibyte + 2 * kGranuleBytes}, 2);
  EXPECT_EQ(owner_at(kGibibyte), 1);
  EXPECT_EQ(owner_at(kGibibyte + kGranuleBytes), 2);
  owners_.release({kGibibyte, kGibibyte + 2 * kGranuleBytes}, 1);
  EXPECT_EQ(owner_at(kGibibyte), OwnerMap::kNobody);
  EXPECT_EQ(owner_at(kGibibyte + kGranuleBytes), 2);
}

TEST_F(OwnerMapTest, WhatIsForgottenIsNobodysAndTheMapCanBeUsedAnew) {
  const int mapped = machine_.os.open_mappings();
  for (const std::uintptr_t at : {kGibibyte, 40 * kGibibyte}) {
    owners_.set(machine_.os, {at, at + kGranuleBytes}, 1);
  }
  owners_.forget(machine_.os);
  EXPECT_EQ(machine_.os.open_mappings(), mapped) << "its tables are given back";
  EXPECT_EQ(owner_at(kGibibyte), OwnerMap::kNobody);
  EXPECT_EQ(owners_.next_leaf(0).bytes(), 0U);
  owners_.set(machine_.os, {7 * kGibibyte, 7 * kGibibyte + kGranuleBytes}, 3);
  EXPECT_EQ(owner_at(7 * kGibibyte), 3);
  EXPECT_EQ(owners_.next_leaf(0).begin, 7 * kGibibyte);
  owners_.forget(machine_.os);
  owners_.forget(machine_.os);
}

}  // namespace
}  // namespace weir::testing
