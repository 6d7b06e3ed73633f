// granule_map_test.cc - the table of granules: records that stay, and a way past what has none.
#include "reclaim/granule_map.h"

#include <gtest/gtest.h>

#include "tests/core/fake_os.h"

namespace weir::testing {
namespace {

constexpr std::uintptr_t kHere = 0x5555'0000'0000;
constexpr std::uintptr_t kLeafBytes = kGiB;
constexpr std::uintptr_t kUserEnd = std::uintptr_t{1} << 47;

class GranuleMapFindTest : public ::testing::Test {
 protected:
  GranuleRecord* find(std::uintptr_t address) {
    next_ = kUntouched;
    return map_.find(Granule::holding(address), next_);
  }
  static constexpr std::uintptr_t kUntouched = 1;

  FakeOs os_;
  GranuleMap map_;
  std::uintptr_t next_ = kUntouched;
};

TEST_F(GranuleMapFindTest, GivesTheRecordThatWasMade) {
  GranuleRecord* made = map_.find_or_make(os_, Granule::holding(kHere));
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(find(kHere), made);
  EXPECT_EQ(find(kHere + kGranuleBytes - 1), made);
  EXPECT_EQ(find(kHere + kGranuleBytes), made + 1) << "one leaf serves a GiB";
  EXPECT_EQ(next_, kUntouched) << "only a missing leaf has to be passed";
}

TEST_F(GranuleMapFindTest, AMissingLeafIsPassedInOneStep) {
  map_.find_or_make(os_, Granule::holding(kHere));
  const std::uintptr_t hole = kHere / kLeafBytes * kLeafBytes + 3 * kLeafBytes;
  EXPECT_EQ(find(hole + 12345), nullptr);
  EXPECT_EQ(next_, hole + kLeafBytes);
  EXPECT_EQ(find(hole), nullptr);
  EXPECT_EQ(next_, hole + kLeafBytes);
}

TEST_F(GranuleMapFindTest, MakesNothing) {
  EXPECT_EQ(find(kHere), nullptr);
  map_.find_or_make(os_, Granule::holding(kHere));
  const int mappings = os_.open_mappings();
  EXPECT_EQ(find(kHere + kLeafBytes), nullptr);
  EXPECT_EQ(os_.open_mappings(), mappings);
}

// Whoever walks a range by `next` must come to its end.
TEST_F(GranuleMapFindTest, AlwaysMovesOn) {
  map_.find_or_make(os_, Granule::holding(kHere));
  for (std::uintptr_t at = 0; at < kUserEnd; at += kLeafBytes / 2) {
    if (find(at) == nullptr) {
      ASSERT_GT(next_, at);
    }
  }
  EXPECT_EQ(find(kUserEnd), nullptr) << "outside the table";
  EXPECT_GT(next_, kUserEnd);
}

TEST_F(GranuleMapFindTest, TheLastLeafOfTheAddressSpaceIsServed) {
  GranuleRecord* last = map_.find_or_make(os_, Granule::holding(kUserEnd - 1));
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(find(kUserEnd - 1), last);
}

TEST_F(GranuleMapFindTest, WithoutMemoryForALeafThereIsNoRecord) {
  os_.fail(Call::kMapAnonymous, ENOMEM, FakeOs::kAlways, 1);
  EXPECT_EQ(map_.find_or_make(os_, Granule::holding(kHere)), nullptr) << "the table, but no leaf";
  EXPECT_EQ(find(kHere), nullptr);
  os_.heal(Call::kMapAnonymous);
  EXPECT_NE(map_.find_or_make(os_, Granule::holding(kHere)), nullptr);
}

}  // namespace
}  // namespace weir::testing
