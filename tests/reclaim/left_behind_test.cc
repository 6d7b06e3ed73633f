// left_behind_test.cc - what stays charged where it was, until it is gone or the process is back.
#include "reclaim/left_behind.h"

#include <gtest/gtest.h>

#include "core/move.h"
#include "reclaim/background.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr Marks kRoomy{Pages{100'000}, Pages{90'000}, Pages{80'000}};
constexpr auto kLeft = static_cast<GroupNumber>(kLeftBehind);
constexpr std::uint64_t kSecond = 1'000'000'000;

class LeftBehindTest : public ::testing::Test {
 protected:
  LeftBehindTest() {
    machine_.engine.pagemap.open(machine_.os);
    ContainerRecord& record = view().container(there_);
    std::strcpy(record.name, "there");
    record.limit.store(UINT64_MAX);
    record.high_watermark.store(UINT64_MAX);
    record.low_watermark.store(UINT64_MAX);
    record.swap_limit.store(UINT64_MAX);
    record.state.store(ContainerRecord::kLive);
  }
  [[nodiscard]] RegistryView& view() {
    return machine_.engine.view;
  }
  void leave() {
    machine_.engine.record().request.store(kRequestLeave);
    serve_leave_request(machine_.engine, machine_.engine.pagemap);
    EXPECT_EQ(machine_.engine.record().request.load(), 0U);
  }
  void put_process_into(ContainerId id) {
    BookWord& book = view().book(machine_.engine.account.member());
    const BookEntry entry = book.load();
    ASSERT_TRUE(book.replace(entry, {entry.pid, id, entry.charge}));
  }
  void look() {
    settle_left_behind(machine_.engine);
    static_cast<void>(machine_.engine.groups.scan(machine_.os, machine_.engine.pagemap));
    machine_.engine.account.refresh(machine_.os, nullptr);
  }
  void expect_usage(std::uint64_t here, std::uint64_t there) {
    look();
    EXPECT_EQ(usage_of(view(), machine_.container), Pages{here});
    EXPECT_EQ(usage_of(view(), there_), Pages{there});
  }
  [[nodiscard]] bool is_left() {
    BookEntry entry;
    return find_left_behind(view(), machine_.engine.account.member(), kSelf, entry);
  }

  Machine machine_{kRoomy};
  ContainerId there_{8};
};

TEST_F(LeftBehindTest, WhatThereIsStaysAndWhatComesGoesAlong) {
  machine_.os.touch(0, 640);
  leave();
  put_process_into(there_);
  expect_usage(640, 0);
  machine_.os.touch(1280, 300);
  expect_usage(640, 300);
}

TEST_F(LeftBehindTest, WhatIsPagedOutStaysToo) {
  machine_.os.touch(0, 640);
  machine_.os.page_out_all();
  leave();
  put_process_into(there_);
  expect_usage(0, 0);
  machine_.os.touch(0, 640);
  expect_usage(640, 0);
}

TEST_F(LeftBehindTest, WhatIsGivenBackOnceIsNotItsMemoryAnyMore) {
  machine_.os.touch(0, 640);
  leave();
  put_process_into(there_);
  machine_.os.free_pages(0, 320);
  machine_.os.advance(10 * kSecond);
  expect_usage(320, 0);
  machine_.os.touch(0, 320);
  expect_usage(320, 320);
}

TEST_F(LeftBehindTest, ItEndsWithTheLastPage) {
  machine_.os.touch(0, 640);
  leave();
  put_process_into(there_);
  machine_.os.drop_all();
  machine_.os.advance(10 * kSecond);
  look();
  machine_.os.advance(10 * kSecond);
  expect_usage(0, 0);
  EXPECT_FALSE(is_left());
  machine_.os.touch(0, 640);
  expect_usage(0, 640);
}

TEST_F(LeftBehindTest, ItEndsWhereTheProcessIsBack) {
  machine_.os.touch(0, 640);
  leave();
  put_process_into(there_);
  machine_.os.touch(1280, 64);
  expect_usage(640, 64);
  put_process_into(machine_.container);
  machine_.os.advance(10 * kSecond);
  expect_usage(704, 0);
  EXPECT_FALSE(is_left());
  EXPECT_LE(view().container(machine_.container).peak.load(), 704U) << "nothing counts twice";
}

// The mover may still be waiting for the registry's lock.
TEST_F(LeftBehindTest, ItDoesNotEndBeforeAMoverHadItsTime) {
  machine_.os.touch(0, 640);
  leave();
  machine_.os.advance(static_cast<std::uint64_t>(kMoveWaitNs));
  look();
  EXPECT_TRUE(is_left());
  machine_.os.advance(static_cast<std::uint64_t>(kMoveWaitNs) * 2);
  look();
  EXPECT_FALSE(is_left()) << "nobody has moved it";
  expect_usage(640, 0);
}

TEST_F(LeftBehindTest, ASecondTimeElsewhereChangesNothing) {
  machine_.os.touch(0, 640);
  leave();
  put_process_into(there_);
  machine_.os.touch(1280, 64);
  expect_usage(640, 64);
  leave();
  expect_usage(640, 64);
}

TEST_F(LeftBehindTest, ReclaimForTheProcessLeavesItAlone) {
  machine_.os.touch(0, 640);
  leave();
  put_process_into(there_);
  machine_.os.touch(1280, 640);
  look();
  const Pages done = evict_batch(machine_.engine, machine_.engine.pagemap, {Pages{256}}).done;
  EXPECT_GE(done, Pages{256});
  expect_usage(640, 640 - done.count);
}

TEST_F(LeftBehindTest, ReclaimForTheContainerThatWasLeftTakesFromIt) {
  machine_.os.touch(0, 640);
  leave();
  put_process_into(there_);
  machine_.os.touch(1280, 640);
  look();
  const Pages done = evict_batch(machine_.engine, machine_.engine.pagemap, {Pages{256}, true, kLeft}).done;
  EXPECT_GE(done, Pages{256});
  expect_usage(640 - done.count, 640);
}

TEST_F(LeftBehindTest, WithoutAPlaceNothingIsLeft) {
  machine_.os.touch(0, 640);
  for (std::uint32_t i = 0; i < kMaxMembers; ++i) {
    static_cast<void>(view().book(MemberId{i}).claim({1, machine_.container, Pages::none()}));
  }
  FakeProcess init;
  machine_.os.add_process(1, init);
  leave();
  EXPECT_FALSE(is_left());
  EXPECT_EQ(machine_.engine.groups.marks_to_spare(true), 0U);
}

}  // namespace
}  // namespace weir::testing
