// shrink_test.cc - giving back on demand: as much as asked, or as there is, with the reasons.
#include "reclaim/shrink.h"

#include <gmock/gmock.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

class ShrinkTest : public ::testing::Test {
 protected:
  MemberRecord& ask(std::uint64_t pages) {
    MemberRecord& record = machine_.engine.record();
    record.reclaim_wanted.store(pages);
    record.request.store(kRequestReclaim);
    machine_.engine.pagemap.open(machine_.os);
    serve_reclaim_request(machine_.engine, machine_.engine.pagemap, true);
    return record;
  }
  Machine machine_{kMarks};
};

TEST_F(ShrinkTest, GivesBackWhatIsAskedWithinOneCall) {
  machine_.os.touch(0, 3000);
  const MemberRecord& record = ask(1000);
  EXPECT_EQ(record.request.load(), 0U);
  EXPECT_GE(record.reclaim_done.load(), 1000U);
  EXPECT_LE(record.reclaim_done.load(), 1000U + kMostPerCall.count);
  EXPECT_EQ(machine_.os.resident(), 3000 - record.reclaim_done.load());
  EXPECT_EQ(usage_of(machine_.engine.view, machine_.container), Pages{machine_.os.resident()});
}

TEST_F(ShrinkTest, WhatStaysHasItsReason) {
  machine_.os.touch(0, 640);
  machine_.os.pin(0, 320);
  const MemberRecord& record = ask(640);
  EXPECT_EQ(record.reclaim_done.load(), 320U);
  EXPECT_GT(record.reclaim_stayed[static_cast<std::size_t>(StayReason::kShared)].load(), 0U);
}

TEST_F(ShrinkTest, WhatIsBackAtOnceIsBusyAndNotShared) {
  machine_.os.touch(0, 640);
  machine_.os.pin(0, 320);
  machine_.os.pinned_by_sharers = false;
  const MemberRecord& record = ask(640);
  EXPECT_EQ(record.reclaim_stayed[static_cast<std::size_t>(StayReason::kShared)].load(), 0U);
  EXPECT_GT(record.reclaim_stayed[static_cast<std::size_t>(StayReason::kBusy)].load(), 0U);
}

TEST_F(ShrinkTest, AReasonCountsOnceAndNoMoreThanThereIs) {
  machine_.os.touch(0, 640);
  machine_.os.pin(0, 320);
  const MemberRecord& record = ask(640);
  EXPECT_LE(record.reclaim_stayed[static_cast<std::size_t>(StayReason::kShared)].load(), 320U);
}

// As the pages of the thread that does it all: in use again before the next batch.
TEST_F(ShrinkTest, WhatComesBackAtOnceIsNotGivenBackAndNotAskedForEver) {
  machine_.os.touch(0, 200);
  machine_.os.interleave(Call::kNow, [this] { machine_.os.touch(0, 200); });
  const MemberRecord& record = ask(150);
  EXPECT_LT(record.reclaim_done.load(), 64U);
  EXPECT_LT(machine_.os.page_outs, 100);
}

TEST_F(ShrinkTest, TheSwapLimitAccountsForAllThatIsLeft) {
  machine_.engine.view.container(machine_.container).swap_limit.store(128);
  machine_.os.touch(0, 3000);
  const MemberRecord& record = ask(2000);
  const std::uint64_t done = record.reclaim_done.load();
  EXPECT_LE(done, 128U);
  EXPECT_EQ(record.reclaim_stayed[static_cast<std::size_t>(StayReason::kSwapLimit)].load(), 2000 - done);
}

TEST_F(ShrinkTest, WhatIsNotWantedAnyMoreIsNotGivenBack) {
  machine_.os.touch(0, 3000);
  machine_.os.interleave(Call::kAdvise, [this] { machine_.engine.record().request.store(0); });
  EXPECT_LT(ask(2000).reclaim_done.load(), 1000U);
  EXPECT_EQ(machine_.engine.record().request.load(), 0U);
}

TEST_F(ShrinkTest, WithoutSwapItEndsAtOnce) {
  machine_.os.set_swap_pages(0);
  machine_.os.touch(0, 1000);
  EXPECT_EQ(ask(500).reclaim_done.load(), 0U);
  EXPECT_EQ(machine_.os.resident(), 1000U);
}

}  // namespace
}  // namespace weir::testing
