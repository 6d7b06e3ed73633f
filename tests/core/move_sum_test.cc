// move_sum_test.cc - moves under charging threads, at random and under SIGKILL: the sums always hold.
#include <atomic>
#include <random>
#include <thread>

#include "tests/core/move_support.h"

namespace weir {
namespace {

using testing::Call;
using testing::mib;

using MoveSumTest = MoveFixture;

TEST_F(MoveSumTest, AChargeThatChangesAtFullSpeedIsNeverLost) {
  registry_.make("a");
  registry_.make("b", limited(mib(64)));
  BookWord& book = registry_.view.book(add(kPid, "a", Pages{1}));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> last{0};
  std::thread charging([&] {
    for (std::uint64_t charge = 1; !stop.load(); charge = charge % 4000 + 1) {
      ASSERT_TRUE(book.set_charge(kPid, Pages{charge}));
      last.store(charge);
    }
  });
  while (last.load() == 0) {
    std::this_thread::yield();  // on a busy machine it takes its time to start
  }
  // Not through /proc, which would be a second writer: the swap is what is tried here.
  registry_.os.fail(Call::kPread, EIO);
  int moved = 0;
  for (int i = 0; i < 2000; ++i) {
    const MovePolicy policy = i % 3 == 0 ? MovePolicy::kLazy : MovePolicy::kReserve;
    moved += move(kPid, i % 2 == 0 ? "b" : "a", policy).failure == MoveFailure::kNone ? 1 : 0;
    const BookEntry entry = book.load();
    EXPECT_EQ(entry.pid, kPid);
    EXPECT_EQ(entry.container, at(i % 2 == 0 ? "b" : "a"));
  }
  stop.store(true);
  charging.join();
  EXPECT_EQ(moved, 2000);
  EXPECT_EQ(book.load().charge.count, last.load());
  EXPECT_EQ((usage("a") + usage("b")).count, last.load());
}

TEST_F(MoveSumTest, AThousandRandomMovesKeepTheSum) {
  std::mt19937 chance(20080606);
  const char* const names[] = {"a", "b", "top", "top/c", "top/c/d", "top/e"};
  for (const char* name : names) {
    registry_.make(name, limited(mib(20 + chance() % 60)));
  }
  Pages total;
  for (std::uint32_t pid = 1; pid <= 12; ++pid) {
    const Pages charge{chance() % 4096};
    add(pid, names[chance() % 6], charge);
    total = total + charge;
  }
  int moved = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto pid = static_cast<std::uint32_t>(1 + chance() % 12);
    const char* const to = names[chance() % 6];
    const auto before = books();
    const Pages old_usage = usage(to);
    const MoveResult result = move(pid, to, chance() % 4 == 0 ? MovePolicy::kLazy : MovePolicy::kReserve);
    ASSERT_EQ(usage("a") + usage("b") + usage("top"), total);
    if (result.failure == MoveFailure::kNone) {
      ++moved;
      const bool is_new = !Subtree::below(registry_.view, at(to)).holds(result.plan.source);
      ASSERT_EQ(usage(to), is_new ? old_usage + result.moved : old_usage);
    } else {
      ASSERT_EQ(books(), before);
    }
  }
  EXPECT_GT(moved, 300);
  EXPECT_EQ(moves().size(), static_cast<std::size_t>(moved));
}

TEST_F(MoveSumTest, AMoverKilledAtAnyMomentLeavesTheBooksExact) {
  WEIR_SKIP_UNDER_TSAN();
  registry_.make("a");
  registry_.make("b", limited(mib(64)));
  const MemberId member = add(kPid, "a", mib(24));
  const SharedBooks shared(registry_);
  const BookWord& book = registry_.view.book(member);
  std::mt19937 chance(20080606);
  int found_in_b = 0;
  for (int i = 0; i < testing::children_for(200); ++i) {
    ASSERT_NO_FATAL_FAILURE(kill_a_mover(static_cast<useconds_t>(500 + chance() % 3000)));
    ASSERT_EQ(book.load().pid, kPid);
    ASSERT_EQ(book.load().charge, mib(24));
    ASSERT_EQ(usage("a") + usage("b"), mib(24));
    found_in_b += usage("b") == mib(24) ? 1 : 0;
  }
  EXPECT_GT(found_in_b, 0);
}

}  // namespace
}  // namespace weir
