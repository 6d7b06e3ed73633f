// enomem_test.cc - who is refused, who has the reserve, and for how long an answer stands.
#include "reclaim/enomem.h"

#include <gtest/gtest.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr Marks kMarks{Pages{4096}, Pages{3584}, Pages{3072}};
constexpr Pages kReserve{256};

class EnomemTest : public ::testing::Test {
 protected:
  EnomemTest() {
    machine_.engine.container().oom_policy.store(static_cast<std::uint32_t>(OomPolicy::kEnomem));
    large_.freed = 1000;
    small_.is_small = true;
    small_.freed = 1000;
  }
  Standing over_by(std::uint64_t pages) {
    Standing standing;
    standing.container = machine_.engine.account.container();
    standing.marks = kMarks;
    standing.usage = kMarks.limit + Pages{pages};
    return standing;
  }
  std::uint64_t refused() {
    return machine_.counters().enomem.load();
  }

  Machine machine_{kMarks};
  ChargeRequest large_{Pages{64}, true};
  ChargeRequest small_{Pages{4}, true};
  ChargeRequest fault_{Pages{32}};
  Verdict verdict_{};
};

TEST_F(EnomemTest, LargeOnesAreRefusedSmallOnesBeyondHalfOfTheReserve) {
  const Engine& engine = machine_.engine;
  EXPECT_TRUE(refuses(engine, over_by(1), large_));
  EXPECT_FALSE(refuses(engine, over_by(kReserve.count / 2), small_));
  EXPECT_TRUE(refuses(engine, over_by(kReserve.count / 2 + 1), small_));
  EXPECT_FALSE(refuses(engine, over_by(kReserve.count), fault_)) << "a fault cannot be";
  EXPECT_TRUE(has_answer(engine, over_by(kReserve.count), fault_));
  EXPECT_FALSE(has_answer(engine, over_by(kReserve.count + 1), fault_));
}

TEST_F(EnomemTest, AnAnswerStandsUntilSomethingIsFreedOrAMomentHasPassed) {
  Engine& engine = machine_.engine;
  EXPECT_FALSE(answered_again(engine, large_, over_by(1), verdict_)) << "nothing was tried yet";
  EXPECT_EQ(give_answer(engine, over_by(1), large_), Verdict::kRefused);
  EXPECT_TRUE(answered_again(engine, large_, over_by(1), verdict_));
  EXPECT_EQ(verdict_, Verdict::kRefused);
  EXPECT_EQ(refused(), 2U);
  EXPECT_TRUE(answered_again(engine, small_, over_by(1), verdict_));
  EXPECT_EQ(verdict_, Verdict::kRoom) << "by the reserve, without another try";
  EXPECT_FALSE(answered_again(engine, large_, over_by(0), verdict_)) << "there is room";
  Standing elsewhere = over_by(1);
  elsewhere.container = ContainerId{99};
  engine.view.container(elsewhere.container).oom_policy.store(static_cast<std::uint32_t>(OomPolicy::kEnomem));
  EXPECT_FALSE(answered_again(engine, large_, elsewhere, verdict_)) << "another container, of a group perhaps";
  ChargeRequest freed = large_;
  freed.freed += 64 * kKiB;
  EXPECT_FALSE(answered_again(engine, freed, over_by(1), verdict_)) << "what was freed may be purged for it";
  machine_.os.advance(100'000'000);
  EXPECT_FALSE(answered_again(engine, large_, over_by(1), verdict_));
}

TEST_F(EnomemTest, EachRefusalOfASmallOneGivesItsHandlerMoreForASecond) {
  Engine& engine = machine_.engine;
  for (const std::uint64_t eighths : {5UL, 6UL, 7UL, 7UL}) {
    EXPECT_EQ(give_answer(engine, over_by(kReserve.count), small_), Verdict::kRefused);
    EXPECT_FALSE(refuses(engine, over_by(kReserve.count * eighths / 8), small_)) << eighths;
    EXPECT_TRUE(refuses(engine, over_by(kReserve.count * eighths / 8 + 1), small_)) << eighths;
    EXPECT_TRUE(refuses(engine, over_by(1), large_));
  }
  machine_.os.advance(1'000'000'000);
  EXPECT_TRUE(refuses(engine, over_by(kReserve.count / 2 + 1), small_));
  EXPECT_EQ(give_answer(engine, over_by(kReserve.count), small_), Verdict::kRefused);
  EXPECT_TRUE(refuses(engine, over_by(kReserve.count * 5 / 8 + 1), small_)) << "from the beginning";
}

TEST_F(EnomemTest, WhoDoesNotKnowWhatItFreedTries) {
  EXPECT_EQ(give_answer(machine_.engine, over_by(1), large_), Verdict::kRefused);
  large_.freed = ChargeRequest::kFreedUnknown;
  EXPECT_FALSE(answered_again(machine_.engine, large_, over_by(1), verdict_));
}

}  // namespace
}  // namespace weir::testing
