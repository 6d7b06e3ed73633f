// proc_test.cc - reading /proc: hostile names, truncated and empty texts, processes that go while they are looked at.
#include "core/proc.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "tests/core/support.h"

namespace weir {
namespace {

using testing::Call;
using testing::FakeOs;

constexpr char kStatTail[] =
    " S 1 1 1 0 -1 4194560 111 222 333 444 55 66 77 88 20 0 9 0 360000 1000000 500 18446744073709551615 1 1 0 0 0\n";

class ProcTest : public ::testing::Test {
 protected:
  ProcTest() {
    os_.use_fake_processes();
  }
  int read_stat_of(const std::string& text, ProcessStat& out) {
    os_.put_file("/proc/42/stat", text);
    return read_process_stat(os_, 42, out);
  }
  void TearDown() override {
    EXPECT_EQ(os_.open_descriptors(), 0) << "a descriptor was left open";
  }

  FakeOs os_;
};

TEST_F(ProcTest, ReadsTheFieldsOfStat) {
  ProcessStat stat;
  ASSERT_EQ(read_stat_of(std::string("42 (cat)") + kStatTail, stat), 0);
  EXPECT_STREQ(stat.comm, "cat");
  EXPECT_EQ(stat.state, 'S');
  EXPECT_EQ(stat.minor_faults, 111U);
  EXPECT_EQ(stat.major_faults, 333U);
  EXPECT_EQ(stat.user_ns, 550'000'000U);
  EXPECT_EQ(stat.threads, 9U);
  EXPECT_EQ(stat.start_ns, 3'600'000'000'000U);
}

TEST_F(ProcTest, ANameMayHoldAnything) {
  for (const char* name :
       {"", " ", ")", "(", ") (", ") S 1 1", "a) R (b", "((()))", "\n", "\"\\", "\xff\xfe", "12 34"}) {
    ProcessStat stat;
    ASSERT_EQ(read_stat_of(std::string("42 (") + name + ")" + kStatTail, stat), 0) << name;
    EXPECT_STREQ(stat.comm, name);
    EXPECT_EQ(stat.state, 'S') << name;
    EXPECT_EQ(stat.threads, 9U) << name;
    EXPECT_EQ(stat.start_ns, 3'600'000'000'000U) << name;
  }
}

TEST_F(ProcTest, ANameLongerThanTheKernelsIsCut) {
  ProcessStat stat;
  ASSERT_EQ(read_stat_of("42 (" + std::string(64, 'n') + ")" + kStatTail, stat), 0);
  EXPECT_EQ(std::string(stat.comm), std::string(15, 'n'));
}

TEST_F(ProcTest, WhatIsNoStatIsRefused) {
  for (const char* text : {"", "\n", "42", "42 ", "42 (cat", "42 (cat)", "42 (cat) ", ")(", ") S 1 (", "cat S 1 2 3"}) {
    ProcessStat stat;
    EXPECT_EQ(read_stat_of(text, stat), EINVAL) << text;
  }
}

// Whoever has no start time must not be taken for a process that started late.
TEST_F(ProcTest, ATextCutShortAnywhereIsSafe) {
  const std::string whole = std::string("42 (c) x)") + kStatTail;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    ProcessStat stat;
    const int error = read_stat_of(whole.substr(0, length), stat);
    EXPECT_TRUE(error == 0 || error == EINVAL) << length;
    EXPECT_LE(stat.start_ns, 3'600'000'000'000U) << length;
  }
}

TEST_F(ProcTest, NumbersBeyondTheirRangeDoNotHarm) {
  ProcessStat stat;
  EXPECT_EQ(read_stat_of("42 (c) S" + std::string(400, '9'), stat), 0);
  EXPECT_EQ(read_stat_of("42 (c) S -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1", stat), 0);
  std::string tail;
  for (int i = 0; i < 22; ++i) {
    tail += " 99999999999999999999999";
  }
  EXPECT_EQ(read_stat_of("42 (c) S" + tail, stat), 0);
}

TEST_F(ProcTest, AProcessThatIsGoneIsToldByItsErrno) {
  ProcessStat stat;
  Pages pages;
  ProcessStatus memory;
  EXPECT_EQ(read_process_stat(os_, 42, stat), ENOENT);
  EXPECT_EQ(read_anonymous(os_, 42, pages), ENOENT);
  EXPECT_EQ(read_process_status(os_, 42, memory), ENOENT);
  EXPECT_EQ(read_oom_score_adj(os_, 42), 0);
}

TEST_F(ProcTest, AProcessThatGoesBetweenOpenAndReadIsToldByItsErrno) {
  os_.add_process(42, {});
  os_.fail(Call::kPread, ESRCH);
  ProcessStat stat;
  Pages pages;
  ProcessStatus memory;
  EXPECT_EQ(read_process_stat(os_, 42, stat), ESRCH);
  EXPECT_EQ(read_anonymous(os_, 42, pages), ESRCH);
  EXPECT_EQ(read_process_status(os_, 42, memory), ESRCH);
  EXPECT_EQ(read_oom_score_adj(os_, 42), 0);
}

TEST_F(ProcTest, StatusTellsTheStateAndWhatIsCaught) {
  os_.put_file("/proc/42/status",
               "Name:\tState:\nState:\tT (stopped)\nSigIgn:\tff\nSigCgt:\t0000000100004010\nCap:\t0\n");
  ProcessStatus status;
  ASSERT_EQ(read_process_status(os_, 42, status), 0);
  EXPECT_EQ(status.state, 'T');
  EXPECT_TRUE(status.tells_caught);
  EXPECT_EQ(status.caught, 0x100004010U);
}

TEST_F(ProcTest, AStatusWithoutThemTellsNeither) {
  os_.put_file("/proc/42/status", "Name:\tcat\nState:\nSigCgt:\t\nSigCgt");
  ProcessStatus status;
  ASSERT_EQ(read_process_status(os_, 42, status), 0);
  EXPECT_EQ(status.state, '?');
  EXPECT_FALSE(status.tells_caught);
}

TEST_F(ProcTest, AnonymousIsResidentWithoutShared) {
  os_.put_file("/proc/42/statm", "5000 700 200 1 0 300 0\n");
  Pages pages;
  ASSERT_EQ(read_anonymous(os_, 42, pages), 0);
  EXPECT_EQ(pages, Pages{500});
}

// The two are not read at one moment: shared may have grown in between.
TEST_F(ProcTest, AnonymousIsNeverNegative) {
  os_.put_file("/proc/42/statm", "5000 200 700 1 0 300 0\n");
  Pages pages{9};
  ASSERT_EQ(read_anonymous(os_, 42, pages), 0);
  EXPECT_EQ(pages, Pages::none());
}

// Nothing read is not "nothing resident".
TEST_F(ProcTest, AnEmptyStatmIsAnErrorAndNoZero) {
  os_.put_file("/proc/42/statm", "");
  Pages pages{9};
  EXPECT_EQ(read_anonymous(os_, 42, pages), EINVAL);
  EXPECT_EQ(pages, Pages{9});
}

TEST_F(ProcTest, ReadsTheKeysOfStatus) {
  os_.put_file("/proc/42/status",
               "Name:\tcat\nState:\tS (sleeping)\nTracerPid:\t17\nVmHWM:\t    4096 kB\nVmPTE:\t      40 kB\n"
               "VmSwap:\t      12 kB\nThreads:\t3\n");
  ProcessStatus memory;
  ASSERT_EQ(read_process_status(os_, 42, memory), 0);
  EXPECT_EQ(memory.tracer_pid, 17U);
  EXPECT_EQ(memory.peak_resident, Pages{1024});
  EXPECT_EQ(memory.page_tables, Pages{10});
  EXPECT_EQ(memory.swapped, Pages{3});
  EXPECT_EQ(memory.threads, 3U);
}

// A program chooses its own name.
TEST_F(ProcTest, ANameThatLooksLikeAKeyIsNone) {
  for (const char* name : {"VmSwap:9999", "VmSwap: 8 kB", "TracerPid:\\n1", "x Threads:7"}) {
    os_.put_file("/proc/42/status", std::string("Name:\t") + name + "\nTracerPid:\t0\nVmSwap:\t12 kB\nThreads:\t3\n");
    ProcessStatus memory;
    ASSERT_EQ(read_process_status(os_, 42, memory), 0);
    EXPECT_EQ(memory.swapped, Pages{3}) << name;
    EXPECT_EQ(memory.tracer_pid, 0U) << name;
    EXPECT_EQ(memory.threads, 3U) << name;
  }
}

// Kernel threads have no memory and no such lines.
TEST_F(ProcTest, KeysThatAreNotThereAreZero) {
  for (const char* text : {"", "Name:\tkthreadd\nThreads:\t1\n", "VmSwap:", "VmSwap:\n", "Vm"}) {
    os_.put_file("/proc/42/status", text);
    ProcessStatus memory;
    ASSERT_EQ(read_process_status(os_, 42, memory), 0) << text;
    EXPECT_EQ(memory.swapped, Pages::none()) << text;
  }
}

// A user in many groups makes a long "Groups:" line, and the keys of memory come behind it.
TEST_F(ProcTest, ManyGroupsDoNotHideTheKeysBehindThem) {
  std::string groups;
  for (int i = 0; i < 400; ++i) {
    groups += "1000000" + std::to_string(100 + i) + " ";
  }
  os_.put_file("/proc/42/status", "Name:\tcat\nGroups:\t" + groups + "\nVmSwap:\t12 kB\nThreads:\t3\n");
  ProcessStatus memory;
  ASSERT_EQ(read_process_status(os_, 42, memory), 0);
  EXPECT_EQ(memory.swapped, Pages{3});
}

TEST_F(ProcTest, ReadsTheOomScoreAdjustment) {
  for (const auto& [text, value] : {std::pair{"0\n", 0}, {"-1000\n", -1000}, {"1000\n", 1000}, {"", 0}, {"x", 0}}) {
    os_.put_file("/proc/42/oom_score_adj", text);
    EXPECT_EQ(read_oom_score_adj(os_, 42), value) << text;
  }
}

TEST_F(ProcTest, StatmFileIsReadAgainAndAgain) {
  os_.put_file("/proc/thread-self/statm", "5000 700 200 1 0 300 0\n");
  StatmFile file;
  EXPECT_FALSE(file.is_open());
  ASSERT_EQ(file.open(os_), 0);
  EXPECT_TRUE(file.is_open());
  Pages pages;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(file.read(os_, pages), 0);
    EXPECT_EQ(pages, Pages{500});
  }
  os_.fail(Call::kPread, EIO);
  EXPECT_EQ(file.read(os_, pages), EIO);
  file.forget();
  EXPECT_FALSE(file.is_open());
  EXPECT_EQ(os_.open_descriptors(), 1) << "forgetting is for a table of descriptors that is gone: nothing is closed";
  ASSERT_TRUE(os_.close(1 << 20).ok());
}

TEST_F(ProcTest, AStatmFileThatCannotBeOpenedSaysWhy) {
  StatmFile file;
  EXPECT_EQ(file.open(os_), ENOENT);
  EXPECT_FALSE(file.is_open());
  os_.fail(Call::kOpen, EMFILE);
  EXPECT_EQ(file.open(os_), EMFILE);
}

TEST(RealProcTest, ThisProcessIsToldAsItIs) {
  const auto pid = static_cast<std::uint32_t>(getpid());
  ProcessStat stat;
  ASSERT_EQ(read_process_stat(raw_os(), pid, stat), 0);
  EXPECT_EQ(std::string(stat.comm), std::string("weir_core_tests").substr(0, 15));
  EXPECT_EQ(stat.state, 'R');
  EXPECT_GE(stat.threads, 1U);
  EXPECT_LE(stat.start_ns, raw_os().now_ns());
  ProcessStatus memory;
  ASSERT_EQ(read_process_status(raw_os(), pid, memory), 0);
  EXPECT_GT(memory.peak_resident, Pages::none());
  EXPECT_EQ(memory.threads, stat.threads);
}

// Touched by the kernel, so that a sanitizer's shadow of it is not touched too.
TEST(RealProcTest, AnonymousFollowsWhatIsTouched) {
  constexpr std::size_t kBytes = 32 << 20;
  Pages before;
  Pages after;
  StatmFile file;
  ASSERT_EQ(file.open(raw_os()), 0);
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(file.read(raw_os(), before), 0);
  if (!raw_os().advise(reinterpret_cast<std::uintptr_t>(memory), kBytes, MADV_POPULATE_WRITE).ok()) {
    GTEST_SKIP() << "this kernel knows no MADV_POPULATE_WRITE (5.14 does)";
  }
  ASSERT_EQ(file.read(raw_os(), after), 0);
  EXPECT_NEAR(static_cast<double>((after - before).bytes()), static_cast<double>(kBytes), 2.0 * kMiB);
  Pages by_pid;
  ASSERT_EQ(read_anonymous(raw_os(), static_cast<std::uint32_t>(getpid()), by_pid), 0);
  EXPECT_NEAR(static_cast<double>(by_pid.count), static_cast<double>(after.count), 256);
  munmap(memory, kBytes);
}

}  // namespace
}  // namespace weir
