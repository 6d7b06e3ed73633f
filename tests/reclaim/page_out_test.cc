// page_out_test.cc - which calls ask a range to leave, and what may be done between them.
#include "reclaim/page_out.h"

#include <gmock/gmock.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

// Notes the calls, in pages from the start of the heap; some pages are locked.
class NotingOs final : public MachineOs {
 public:
  SysResult advise(std::uintptr_t address, std::size_t bytes, int advice) override {
    const std::uint64_t first = (address - kHeap) / kPageBytes;
    const std::uint64_t count = bytes / kPageBytes;
    calls.emplace_back(first, count);
    if (locked < first || locked >= first + count) {
      return MachineOs::advise(address, bytes, advice);
    }
    static_cast<void>(MachineOs::advise(address, (locked - first) * kPageBytes, advice));
    return SysResult(-EINVAL);  // the kernel's walk ends there
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> calls;
  std::uint64_t locked = UINT64_MAX;
};

class PageCounter final : public RunVisitor {
 public:
  bool visit(const PageRun& run) override {
    pages += run.range.bytes() / kPageBytes;
    return true;
  }
  std::uint64_t pages = 0;
};

// Scans by the pagemap that the work in hand uses, as the growth watch does.
class Scanner final : public Interlude {
 public:
  Scanner(Os& os, Pagemap& pagemap) : os_(os), pagemap_(pagemap) {}
  void interlude() override {
    PageCounter counter;
    EXPECT_EQ(pagemap_.scan(os_, {kHeap, kHeap + kMiB}, counter), 0);
    ++times;
  }
  int times = 0;

 private:
  Os& os_;
  Pagemap& pagemap_;
};

class PageOutTest : public ::testing::Test {
 protected:
  PageOutTest() {
    pagemap_.open(os_);
  }
  // Of the first 512 pages; how many of them were present.
  std::uint64_t page_out_all(Interlude* between = nullptr, const std::vector<PageSet>& spared = {}) {
    PageCounter seen;
    os_.calls.clear();
    EXPECT_EQ(page_out(os_, pagemap_, {kHeap, kHeap + kMostPerCall.bytes()}, seen, between, met_lock_, spared), 0);
    return seen.pages;
  }
  void touch_every_other(std::uint64_t pages) {
    for (std::uint64_t page = 0; page < pages; page += 2) {
      os_.touch(page, 1);
    }
  }

  NotingOs os_;
  ScanBuffer buffer_;
  Pagemap pagemap_{buffer_};
  Scanner scanner_{os_, pagemap_};
  bool met_lock_ = false;
};

TEST_F(PageOutTest, NeighboursGoInOneCall) {
  os_.touch(0, 100);
  os_.touch(300, 100);
  EXPECT_EQ(page_out_all(), 200U);
  EXPECT_THAT(os_.calls, ElementsAre(Pair(0, 400)));
  EXPECT_EQ(os_.resident(), 0U);
  EXPECT_FALSE(met_lock_);
}

TEST_F(PageOutTest, NotWhereFilePagesLieBetween) {
  os_.file_pages = true;
  os_.touch(0, 100);
  os_.touch(300, 100);
  EXPECT_EQ(page_out_all(), 200U);
  EXPECT_THAT(os_.calls, ElementsAre(Pair(0, 100), Pair(300, 100)));
  EXPECT_EQ(os_.resident(), 0U);
}

TEST_F(PageOutTest, OneWithoutAnyTakesNoCall) {
  EXPECT_EQ(page_out_all(), 0U);
  EXPECT_THAT(os_.calls, SizeIs(0));
}

TEST_F(PageOutTest, ManyRunsAllLeave) {
  touch_every_other(512);
  EXPECT_EQ(page_out_all(), 256U);
  EXPECT_EQ(os_.resident(), 0U);
  os_.file_pages = true;
  touch_every_other(512);
  EXPECT_EQ(page_out_all(), 256U);
  EXPECT_THAT(os_.calls, SizeIs(256));
  EXPECT_EQ(os_.resident(), 0U);
}

TEST_F(PageOutTest, SparedPagesLieBetweenCalls) {
  os_.touch(0, 100);
  EXPECT_EQ(page_out_all(nullptr, {0x0001, 0, 0x0180}), 100U) << "all are seen";
  EXPECT_THAT(os_.calls, ElementsAre(Pair(1, 38), Pair(41, 59)));
  EXPECT_EQ(os_.resident(), 3U);
}

TEST_F(PageOutTest, SparedPagesThatAreNotThereDivideNothing) {
  os_.touch(0, 16);
  os_.touch(32, 16);
  EXPECT_EQ(page_out_all(nullptr, {0, 0xFFFF, 0}), 32U);
  EXPECT_THAT(os_.calls, ElementsAre(Pair(0, 48)));
}

TEST_F(PageOutTest, HoweverManySparedPagesTheOthersLeave) {
  os_.touch(0, 512);
  EXPECT_EQ(page_out_all(nullptr, std::vector<PageSet>(32, 0x5555)), 512U);
  EXPECT_THAT(os_.calls, SizeIs(256));
  EXPECT_EQ(os_.resident(), 256U);
  os_.file_pages = true;
  os_.touch(0, 512);
  EXPECT_EQ(page_out_all(nullptr, std::vector<PageSet>(32, 0xAAAA)), 512U);
  EXPECT_TRUE(os_.is_resident(1) && !os_.is_resident(0));
  EXPECT_EQ(os_.resident(), 256U);
}

TEST_F(PageOutTest, NothingOfAHugePageIsSpared) {
  os_.huge_pages = true;
  os_.touch(0, 32);
  EXPECT_EQ(page_out_all(nullptr, {0x0001, 0x8000}), 32U);
  EXPECT_EQ(os_.resident(), 0U);
}

TEST_F(PageOutTest, WhatLiesBehindALockedPageLeavesByItself) {
  os_.touch(0, 100);
  os_.touch(200, 1);
  os_.touch(300, 100);
  os_.locked = 200;
  EXPECT_EQ(page_out_all(), 201U) << "counted once";
  EXPECT_TRUE(met_lock_);
  EXPECT_EQ(os_.resident(), 1U);
}

TEST_F(PageOutTest, ALittleAtATimeWhereThereIsSomethingToDoInBetween) {
  os_.touch(0, 200);
  EXPECT_EQ(page_out_all(&scanner_), 200U);
  EXPECT_THAT(os_.calls, SizeIs(7));
  EXPECT_EQ(scanner_.times, 7);
  EXPECT_EQ(os_.resident(), 0U);
}

TEST_F(PageOutTest, ButHugePagesInOnePiece) {
  os_.touch(0, 512);
  os_.huge_pages = true;
  EXPECT_EQ(page_out_all(&scanner_), 512U);
  EXPECT_THAT(os_.calls, ElementsAre(Pair(0, 512)));
}

// What is done in between may scan: the one under way must not be spoilt by it.
TEST_F(PageOutTest, WhatIsDoneInBetweenMayScan) {
  os_.file_pages = true;
  touch_every_other(512);
  EXPECT_EQ(page_out_all(&scanner_), 256U);
  EXPECT_EQ(scanner_.times, 256);
  EXPECT_EQ(os_.resident(), 0U);
}

}  // namespace
}  // namespace weir::testing
