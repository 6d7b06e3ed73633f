// refault_time_test.cc - what refaults cost: measured on a probe, booked within the bounds of time.
#include "reclaim/refault_time.h"

#include <gmock/gmock.h>

#include "reclaim/background.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// Every look at the clock takes `step_ns`, and a page that was out comes back with a major fault.
class SlowOs final : public MachineOs {
 public:
  std::uint64_t now_ns() override {
    advance(step_ns);
    ++majors;
    return FakeOs::now_ns();
  }
  SysResult usage(struct rusage* out) override {
    *out = {};
    out->ru_majflt = swap ? majors : 0;
    return SysResult(0);
  }

  std::uint64_t step_ns = 0;
  long majors = 0;
  bool swap = true;
};

class RefaultTimeTest : public ::testing::Test {
 protected:
  RefaultTimeTest() {
    machine_.engine.record().attached_ns.store(machine_.os.now_ns());
  }
  // As if the process had that many major faults, `elapsed_ns` after what was before.
  void book(std::uint64_t refaults, std::uint64_t elapsed_ns) {
    machine_.os.touch(0, refaults);
    machine_.os.page_out_all();
    machine_.os.touch(0, refaults);
    machine_.os.advance(elapsed_ns);
    machine_.engine.refault_time.book(machine_.engine, refaults);
  }
  std::uint64_t some_us() {
    return pressure_at(machine_.engine.container().some, machine_.os.now_ns()).total_us;
  }
  std::uint64_t full_us() {
    return pressure_at(machine_.engine.container().full, machine_.os.now_ns()).total_us;
  }

  Machine machine_{kMarks};
};

TEST_F(RefaultTimeTest, EachTakesWhatOneCosts) {
  book(100, kSecond / 10);
  EXPECT_EQ(machine_.counters().refault_ns.load(), 100 * RefaultTime::kReadGuessNs);
  EXPECT_EQ(some_us(), 500U);
  EXPECT_EQ(full_us(), 500U) << "one process, one thread";
}

TEST_F(RefaultTimeTest, NeverMoreThanTimeHasPassed) {
  book(3000, kSecond / 1000);
  EXPECT_EQ(machine_.counters().refault_ns.load(), kSecond / 1000);
  EXPECT_EQ(some_us(), 1000U);
}

TEST_F(RefaultTimeTest, WhatWasNoMajorFaultCostsLess) {
  machine_.os.advance(kSecond);
  machine_.engine.refault_time.book(machine_.engine, 100);
  EXPECT_EQ(machine_.counters().refault_ns.load(), 100 * RefaultTime::kCachedGuessNs) << "read ahead, say";
}

TEST_F(RefaultTimeTest, MajorFaultsThatAreFoundLaterStillCount) {
  machine_.os.touch(0, 100);
  machine_.os.page_out_all();
  machine_.os.touch(0, 100);
  machine_.os.advance(kSecond);
  machine_.engine.refault_time.book(machine_.engine, 10);
  machine_.engine.refault_time.book(machine_.engine, 100);
  EXPECT_EQ(machine_.counters().refault_ns.load(), 100 * RefaultTime::kReadGuessNs + 10 * RefaultTime::kCachedGuessNs);
}

TEST_F(RefaultTimeTest, ManyThreadsMayWaitAtOnceButTimeStaysTime) {
  FakeProcess self;
  self.threads = 4;
  machine_.engine.many_threads.store(true);
  machine_.os.touch(0, 3000);
  machine_.os.page_out_all();
  machine_.os.touch(0, 3000);
  machine_.os.add_process(kSelf, self);
  machine_.os.advance(kSecond / 1000);
  machine_.engine.refault_time.book(machine_.engine, 3000);
  EXPECT_EQ(machine_.counters().refault_ns.load(), 4 * kSecond / 1000);
  EXPECT_LE(some_us(), 4000U);
  EXPECT_EQ(full_us(), 0U);
}

TEST_F(RefaultTimeTest, AParentIsUnderPressureToo) {
  Registry& registry = machine_.engine.view.raw();
  registry.parents[machine_.container.index].store(machine_.container.index + 2);
  registry.containers[machine_.container.index + 1].state.store(ContainerRecord::kLive);
  registry.header.nested.store(1);
  book(100, kSecond / 10);
  ContainerRecord& parent = registry.containers[machine_.container.index + 1];
  EXPECT_EQ(pressure_at(parent.some, machine_.os.now_ns()).total_us, 500U);
}

TEST_F(RefaultTimeTest, RefaultsFoundByALookAreBooked) {
  machine_.engine.pagemap.open(machine_.os);
  GrowthWatch watch;
  for (int i = 0; i < 10; ++i) {
    machine_.os.touch(0, 3600);
    machine_.os.advance(kSecond / 10);
    look(machine_.engine, watch, false);
  }
  EXPECT_GT(machine_.counters().refault_ns.load(), 0U);
  EXPECT_LE(machine_.counters().refault_ns.load(), machine_.counters().refault.load() * RefaultTime::kReadGuessNs);
  EXPECT_GT(working_set_at(machine_.engine.container().distances, machine_.os.now_ns()).for_tenth, Pages::none());
}

// Two seconds a measurement: page out at one, time the return at the next.
std::uint64_t cost_after(SlowOs& os, int measurements) {
  Machine machine(kMarks);
  RefaultTime time;
  os.step_ns = 40'000;
  for (int i = 0; i < measurements; ++i) {
    time.book(machine.engine, 1);
    os.advance(2 * kSecond);
    time.measure(os);
  }
  return time.read_ns();
}

TEST(RefaultCostTest, IsMeasured) {
  SlowOs os;
  EXPECT_NEAR(static_cast<double>(cost_after(os, 40)), 40'000, 1000);
}

TEST(RefaultCostTest, PagesThatHadNotLeftTellNothing) {
  SlowOs os;
  os.swap = false;
  EXPECT_EQ(cost_after(os, 10), RefaultTime::kReadGuessNs);
}

TEST(RefaultCostTest, WithoutMemoryForAProbeTheGuessStands) {
  SlowOs os;
  os.fail(Call::kMapAnonymous, ENOMEM);
  EXPECT_EQ(cost_after(os, 10), RefaultTime::kReadGuessNs);
}

TEST(RefaultCostTest, WithoutRefaultsNothingIsTried) {
  SlowOs os;
  RefaultTime time;
  os.advance(10 * kSecond);
  time.measure(os);
  EXPECT_EQ(os.calls(Call::kMapAnonymous), 0);
}

}  // namespace
}  // namespace weir::testing
