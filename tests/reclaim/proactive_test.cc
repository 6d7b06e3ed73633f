// proactive_test.cc - what is not used leaves, in shares; pressure, minima, swap and idleness hold it back.
#include "reclaim/proactive.h"

#include <gmock/gmock.h>

#include "core/pressure.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

constexpr std::uint64_t kChunkPages = UseEvidence::kLeastChunk / kPageBytes;
constexpr std::uint64_t kSecond = 1'000'000'000;

class ProactiveTest : public ::testing::Test {
 protected:
  ProactiveTest() {
    machine_.os.set_thread_cpu(0);
    machine_.os.put_file("/proc/thread-self/smaps", "");
    machine_.engine.pagemap.open(machine_.os);
    machine_.engine.evidence.open(machine_.os);
    record().proactive.store(100);
  }
  ContainerRecord& record() {
    return machine_.engine.view.container(machine_.container);
  }
  [[nodiscard]] std::uint64_t resident() const {
    return machine_.os.resident();
  }
  // The heap as the kernel tells it: chunks below `used_chunks` were used since the last look, and are touched.
  void use(std::uint64_t chunks, std::uint64_t used_chunks) {
    std::string text;
    for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
      const bool used = chunk < used_chunks;
      if (used) {
        machine_.os.touch(chunk * kChunkPages, kChunkPages);
      }
      std::uint64_t pages = 0;
      for (std::uint64_t page = chunk * kChunkPages; page < (chunk + 1) * kChunkPages; ++page) {
        pages += machine_.os.is_resident(page) ? 1 : 0;
      }
      const std::uintptr_t begin = kHeap + chunk * kChunkPages * kPageBytes;
      char head[64];
      std::snprintf(head, sizeof(head), "%lx-%lx rw-p 00000000 00:00 0 \n", static_cast<unsigned long>(begin),
                    static_cast<unsigned long>(begin + kChunkPages * kPageBytes));
      text += head + ("Rss: " + std::to_string(pages * 4)) +
              " kB\nReferenced: " + std::to_string(used ? pages * 4 : 0) + " kB\nVmFlags: rd wr " +
              (chunk % 2 == 1 ? "rr" : "") + "\n";
    }
    machine_.os.put_file("/proc/thread-self/smaps", text);
    machine_.engine.evidence.open(machine_.os);  // the fake's descriptor keeps what it was opened with
  }
  // Sleeps as long as it was told to, and takes its turn. A program that is busy has used 10 ms meanwhile.
  std::int64_t turn(bool busy_program = true) {
    cpu_ += busy_program ? 10'000'000 : 0;
    machine_.os.set_process_cpu(kSelf, cpu_);
    const std::int64_t sleep = machine_.engine.proactive.turn(machine_.engine, false);
    if (sleep > 0) {
      machine_.os.advance(static_cast<std::uint64_t>(sleep));
    }
    return sleep;
  }
  void turns(int count, std::uint64_t chunks, std::uint64_t used_chunks) {
    for (int i = 0; i < count; ++i) {
      use(chunks, used_chunks);
      turn();
    }
  }
  // So much of the last seconds stood still.
  void press(std::uint64_t ns) {
    note_stall(record().some, {machine_.os.now_ns() - ns, 0}, machine_.os.now_ns());
    machine_.os.advance(2 * kSecond);
  }

  Machine machine_{Marks{}};
  std::uint64_t cpu_ = 0;
};

TEST_F(ProactiveTest, WithoutATargetNothingIsDone) {
  record().proactive.store(0);
  machine_.os.touch(0, 4096);
  use(64, 0);
  for (int i = 0; i < 20; ++i) {
    EXPECT_LT(turn(), 0);
    machine_.os.advance(kSecond);
  }
  EXPECT_EQ(resident(), 4096U);
  EXPECT_EQ(machine_.os.page_outs, 0) << "nor is anything marked or cut";
}

TEST_F(ProactiveTest, WithoutBackgroundReclaimNothingIsDone) {
  record().background.store(0);
  EXPECT_LT(turn(), 0);
}

TEST_F(ProactiveTest, WhatIsNotUsedLeavesAndTheRestStays) {
  machine_.os.touch(0, 4096);
  turns(60, 64, 16);
  EXPECT_LE(resident(), 16 * kChunkPages);
  EXPECT_GE(resident(), 16 * kChunkPages);
  EXPECT_EQ(machine_.counters().refault.load(), 0U) << "the hot part never left";
  EXPECT_EQ(machine_.counters().proactive_evicted.load(), 48 * kChunkPages);
  EXPECT_EQ(machine_.counters().failcnt.load(), 0U);
}

TEST_F(ProactiveTest, AParentsTargetCountsWhereThereIsNoneOfItsOwn) {
  Registry& registry = machine_.engine.view.raw();
  const ContainerId parent{machine_.container.index + 1};
  registry.parents[machine_.container.index].store(parent.index + 1);
  registry.header.nested.store(1);
  registry.containers[parent.index].state.store(ContainerRecord::kLive);
  registry.containers[parent.index].proactive.store(7);
  EXPECT_EQ(proactive_goal(machine_.engine).container, machine_.container);
  record().proactive.store(0);
  EXPECT_EQ(proactive_goal(machine_.engine).container, parent);
  EXPECT_EQ(proactive_goal(machine_.engine).target, 7U);
}

TEST_F(ProactiveTest, OnlyAShareLeavesInOneTurn) {
  machine_.os.touch(0, 32768);
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t before = resident();
    use(512, 0);
    turn();
    EXPECT_LE(before - resident(), before / Proactive::kMostShare + kMostPerCall.count);
  }
  EXPECT_LT(resident(), 32768U);
}

TEST_F(ProactiveTest, AboveItsTargetItLeavesEverythingAndLooksLessOften) {
  machine_.os.touch(0, 8192);
  for (int i = 0; i < 10; ++i) {
    press(kSecond / 2);
    use(128, 0);
    turn();
  }
  EXPECT_EQ(resident(), 8192U);
  EXPECT_GT(machine_.engine.proactive.interval_ns(), Proactive::kLeastIntervalNs);
  machine_.os.advance(120 * kSecond);
  turns(40, 128, 0);
  EXPECT_LT(resident(), 4096U) << "and goes on when that is over";
}

TEST_F(ProactiveTest, TheMinimumIsLeftAlone) {
  record().minimum.store(6000);
  machine_.os.touch(0, 8192);
  turns(60, 128, 0);
  EXPECT_LT(resident(), 8192U);
  EXPECT_GE(resident(), 6000 - kMostPerCall.count) << "but for what goes along in one call";
}

TEST_F(ProactiveTest, AFifthOfSwapIsLeftToThoseWhoNeedIt) {
  machine_.os.set_swap_pages(4096);
  machine_.os.touch(0, 16384);
  turns(80, 256, 0);
  EXPECT_GT(machine_.os.swapped(), 2000U);
  EXPECT_LE(machine_.os.swapped(), 4096 / 5 * 4 + 16384 / Proactive::kMostShare + kMostPerCall.count);
}

TEST_F(ProactiveTest, TheSwapLimitHolds) {
  record().swap_limit.store(1000);
  machine_.os.touch(0, 8192);
  turns(60, 128, 0);
  EXPECT_GT(machine_.os.swapped(), 0U);
  EXPECT_LE(machine_.os.swapped(), 1000U);
}

TEST_F(ProactiveTest, WhereEverythingIsUsedItLooksLessAndLess) {
  machine_.os.touch(0, 4096);
  turns(30, 64, 64);
  EXPECT_EQ(resident(), 4096U);
  EXPECT_EQ(machine_.engine.proactive.interval_ns(), Proactive::kMostIntervalNs);
}

TEST_F(ProactiveTest, AProcessThatDoesNothingIsNotLookedAt) {
  machine_.os.touch(0, 1024);
  for (int i = 0; i < 80; ++i) {
    use(16, 0);
    turn(false);
  }
  EXPECT_LT(resident(), 16U);
  EXPECT_EQ(machine_.engine.proactive.interval_ns(), Proactive::kMostRestNs);
  const int reads = machine_.os.calls(Call::kPread);
  EXPECT_EQ(turn(false), static_cast<std::int64_t>(Proactive::kMostRestNs));
  EXPECT_EQ(machine_.os.calls(Call::kPread), reads);
  turn(true);
  EXPECT_EQ(machine_.engine.proactive.interval_ns(), Proactive::kLeastIntervalNs) << "once it does something again";
}

TEST_F(ProactiveTest, ItCostsAHundredthOfACoreAtMost) {
  machine_.os.touch(0, 1024);
  use(16, 16);
  turn();
  std::uint64_t cpu = 0;
  machine_.os.interleave(Call::kPread, [&] { machine_.os.set_thread_cpu(cpu += 50'000'000); });
  const std::int64_t sleep = turn();
  machine_.os.interleave(Call::kPread, {});
  EXPECT_GE(static_cast<std::uint64_t>(sleep), cpu * 99);
}

TEST_F(ProactiveTest, WithoutEvidenceNothingLeaves) {
  machine_.os.touch(0, 4096);
  machine_.os.fail(Call::kPread, EIO);
  for (int i = 0; i < 20; ++i) {
    turn();
  }
  EXPECT_EQ(resident(), 4096U);
}

TEST_F(ProactiveTest, WhileOthersReclaimItWaits) {
  machine_.os.touch(0, 1024);
  use(16, 0);
  turn();
  const int advised = machine_.os.page_outs;
  EXPECT_GT(machine_.engine.proactive.turn(machine_.engine, true), 0);
  EXPECT_EQ(machine_.os.page_outs, advised);
}

}  // namespace
}  // namespace weir::testing
