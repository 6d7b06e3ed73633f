// page_table_copy_test.cc - where a recording takes each page to be, after scans of two kinds.
#include "reclaim/page_table_copy.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr std::uint32_t kAll = 0xFFFF;

void expect(const PageMasks& masks, std::uint16_t present, std::uint16_t out) {
  EXPECT_EQ(masks.present, present);
  EXPECT_EQ(masks.out, out);
}

TEST(PageMasksTest, WhatAScanMissesWasGivenUpUnlessWhoeverScansPagedItOut) {
  const PageMasks all = PageMasks{}.after_scan(0x00FF, kAll, false);
  expect(all, 0x00FF, 0);
  expect(all.after_scan(0x000F, kAll, false), 0x000F, 0);
  expect(all.after_scan(0x000F, kAll, true), 0x000F, 0x00F0);
}

TEST(PageMasksTest, AScanSaysNothingOfWhatItDoesNotCover) {
  const PageMasks all = PageMasks{}.after_scan(0x00FF, kAll, false);
  expect(all.after_scan(0, 0x000F, false), 0x00F0, 0);
  expect(all.after_swap_scan(0x0003, 0x000F), 0x00FC, 0x0003);
}

TEST(PageMasksTest, WhatCameBackBeforeTheSwapWasLookedAtIsARefault) {
  const PageMasks out = PageMasks{0x00FF, 0, 0}.after_scan(0, kAll, true);
  expect(out, 0, 0x00FF);
  const PageMasks half = out.after_swap_scan(0x00F0, kAll);
  expect(half, 0, 0x00FF);  // it cannot be told yet
  expect(half.after_scan(0x000F, kAll, false), 0x000F, 0x00F0);
}

TEST(PageMasksTest, WhatIsInNeitherPlaceWasGivenUp) {
  const PageMasks out{0, 0x00FF, 0};
  const PageMasks gone = out.after_swap_scan(0, kAll).after_scan(0, kAll, false);
  expect(gone, 0, 0);
  EXPECT_EQ(gone.unsure, 0);
  const PageMasks first_missed = PageMasks{0x00FF, 0, 0}.after_scan(0, kAll, false).after_swap_scan(0, kAll);
  expect(first_missed, 0, 0);
  EXPECT_EQ(first_missed.unsure, 0);
}

TEST(PageMasksTest, ASwapScanThatFindsItEndsTheDoubt) {
  const PageMasks back = PageMasks{0, 0x00FF, 0}.after_swap_scan(0, kAll).after_swap_scan(0x00FF, kAll);
  expect(back.after_scan(0, kAll, false), 0, 0x00FF);
}

// Another thread scans between somebody's page-out and his look at what has left.
TEST(PageMasksTest, WhatAnotherScanMissedFirstHasStillBeenPagedOut) {
  const PageMasks missed = PageMasks{0x00FF, 0, 0}.after_scan(0, kAll, false);
  expect(missed, 0, 0);
  expect(missed.after_scan(0, kAll, true), 0, 0x00FF);
}

// Out, missed in swap, and before anybody saw it back paged out again.
TEST(PageMasksTest, WhatLeftAgainUnseenIsOut) {
  const PageMasks doubtful = PageMasks{0, 0x00FF, 0}.after_swap_scan(0, kAll);
  const PageMasks out = doubtful.after_scan(0, kAll, true);
  expect(out, 0, 0x00FF);
  expect(out.after_scan(0, kAll, false), 0, 0x00FF);
}

}  // namespace
}  // namespace weir
