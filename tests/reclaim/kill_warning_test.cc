// kill_warning_test.cc - who is told before it dies, what is served meanwhile, and that nobody escapes by silence.
#include "reclaim/kill_warning.h"

#include <gmock/gmock.h>

#include "reclaim/charge.h"
#include "reclaim/oom.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;

constexpr Marks kMarks{Pages{4096}, Pages{3584}, Pages{3072}};
constexpr std::uint64_t kMs = 1'000'000;

class KillWarningTest : public ::testing::Test {
 protected:
  // We hold so many pages that cannot leave, and want to be warned.
  void hold(std::uint64_t pages, std::uint32_t grace_ms) {
    machine_.os.touch(0, pages);
    machine_.os.pin(0, pages);
    self().warn_grace_ms.store(grace_ms);
  }
  MemberRecord& self() {
    return machine_.engine.record();
  }
  ContainerRecord& container() {
    return machine_.engine.view.container(machine_.container);
  }
  std::size_t warnings() {
    return machine_.events(EventKind::kWarned).size();
  }
  Verdict grow(std::uint64_t pages = 1) {
    return charge(machine_.engine, {Pages{pages}, false});
  }

  Machine machine_{kMarks};
};

TEST_F(KillWarningTest, TheReserveServesUntilTheGraceIsOver) {
  hold(4200, 500);
  EXPECT_EQ(grow(), Verdict::kRoom);
  EXPECT_EQ(warnings(), 1U);
  EXPECT_EQ(self().warning.load(), 1U);
  EXPECT_TRUE(in_grace(machine_.engine, machine_.container));
  const std::uint64_t start = machine_.os.now_ns();
  EXPECT_EQ(grow(), Verdict::kRoom);
  EXPECT_LT(machine_.os.now_ns() - start, 5 * kMs) << "at once";
  EXPECT_TRUE(machine_.os.killed.empty());
  machine_.os.advance(501 * kMs);
  grow();
  EXPECT_THAT(machine_.os.killed, ElementsAre(kSelf));
  EXPECT_EQ(warnings(), 1U) << "once is enough";
}

TEST_F(KillWarningTest, BeyondTheReserveOneWaitsForTheEndOfIt) {
  hold(4600, 500);
  const std::uint64_t start = machine_.os.now_ns();
  grow();
  EXPECT_GE(machine_.os.now_ns() - start, 500 * kMs);
  EXPECT_LT(machine_.os.now_ns() - start, 4000 * kMs);
  EXPECT_THAT(machine_.os.killed, ElementsAre(kSelf));
}

TEST_F(KillWarningTest, WhoMayHoldLocksIsNotMadeToWait) {
  hold(4600, 500);
  grow();
  machine_.os.killed.clear();
  machine_.os.drop_all();
  hold(4200, 500);
  end_warnings(machine_.engine, machine_.container);
  grow();
  machine_.os.touch(4200, 1000);
  machine_.os.pin(4200, 1000);
  const std::uint64_t start = machine_.os.now_ns();
  charge(machine_.engine, {Pages{1}, false, kNoGroup, false});
  EXPECT_LT(machine_.os.now_ns() - start, 100 * kMs);
  EXPECT_TRUE(machine_.os.killed.empty());
}

TEST_F(KillWarningTest, RoomInTimeIsTheEndOfIt) {
  hold(4600, 500);
  machine_.os.interleave(Call::kFutexWake, [this] {
    if (self().warning.load() == 1) {
      machine_.os.drop_all();  // what the callback does
    }
  });
  EXPECT_EQ(grow(), Verdict::kRoom);
  EXPECT_TRUE(machine_.os.killed.empty());
  machine_.os.interleave(Call::kFutexWake, nullptr);
  machine_.os.advance(600 * kMs);
  grow();
  EXPECT_EQ(container().grace_since_ns.load(), 0U);
  hold(4200, 500);
  grow();
  EXPECT_EQ(warnings(), 2U) << "the next time is another one";
  EXPECT_TRUE(machine_.os.killed.empty());
}

TEST_F(KillWarningTest, WhoDidNotAskDiesAtOnceAndOthersAreNotTold) {
  hold(100, 500);
  machine_.add_member(5002, 4200, 0);
  grow();
  EXPECT_THAT(machine_.os.killed, ElementsAre(5002));
  EXPECT_EQ(warnings(), 0U);
}

TEST_F(KillWarningTest, NobodyGetsMoreThanASecond) {
  hold(4200, UINT32_MAX);
  grow();
  machine_.os.advance(1001 * kMs);
  grow();
  EXPECT_THAT(machine_.os.killed, ElementsAre(kSelf));
}

TEST_F(KillWarningTest, AWorseOneThatComesInBetweenIsWarnedToo) {
  hold(2100, 500);
  machine_.add_member(5002, 2000, 0);
  MemberId other;
  ASSERT_TRUE(machine_.engine.view.find_member(5002, other));
  machine_.engine.view.member(other).warn_grace_ms.store(300);
  grow();
  EXPECT_EQ(machine_.events(EventKind::kWarned)[0].pid, static_cast<std::uint32_t>(kSelf));
  machine_.os.advance(501 * kMs);
  machine_.os.add_process(5002, {.resident_pages = 2220});
  machine_.engine.view.book(other).set_charge(5002, Pages{2220});
  grow();
  EXPECT_EQ(warnings(), 2U);
  EXPECT_TRUE(machine_.os.killed.empty());
  machine_.os.advance(301 * kMs);
  grow();
  EXPECT_THAT(machine_.os.killed, ElementsAre(5002));
}

TEST_F(KillWarningTest, TheReclaimerKillsWhoGrowsNoMore) {
  hold(4200, 500);
  ASSERT_EQ(machine_.engine.pagemap.open(machine_.os), 0);
  EXPECT_LT(mind_grace(machine_.engine), 0) << "nobody was warned";
  grow();
  const std::int64_t wait = mind_grace(machine_.engine);
  EXPECT_GT(wait, 0);
  EXPECT_LE(wait, static_cast<std::int64_t>(500 * kMs));
  machine_.os.advance(501 * kMs);
  for (int turn = 0; turn < 10 && machine_.os.killed.empty(); ++turn) {
    machine_.os.advance(static_cast<std::uint64_t>(mind_grace(machine_.engine)));
  }
  EXPECT_THAT(machine_.os.killed, ElementsAre(kSelf));
}

TEST_F(KillWarningTest, AndLetsLiveWhoGaveBack) {
  hold(4200, 500);
  ASSERT_EQ(machine_.engine.pagemap.open(machine_.os), 0);
  grow();
  machine_.os.drop_all();
  machine_.os.advance(501 * kMs);
  EXPECT_LT(mind_grace(machine_.engine), 0);
  EXPECT_LT(mind_grace(machine_.engine), 0) << "and is done with it";
  EXPECT_TRUE(machine_.os.killed.empty());
  EXPECT_EQ(container().grace_since_ns.load(), 0U);
}

}  // namespace
}  // namespace weir::testing
