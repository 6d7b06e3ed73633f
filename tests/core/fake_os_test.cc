// fake_os_test.cc - the Os that other tests lie with is itself honest about what it does.
#include "tests/core/fake_os.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

#include "core/proc.h"
#include "tests/core/support.h"

namespace weir::testing {
namespace {

TEST(FakeOsTest, ForwardsUntilToldOtherwise) {
  FakeOs os;
  EXPECT_EQ(os.pid(), raw_os().pid());
  EXPECT_EQ(os.effective_uid(), raw_os().effective_uid());
  EXPECT_GE(os.now_ns(), raw_os().now_ns() - 1'000'000'000);
  const TempDirectory top;
  EXPECT_TRUE(os.mkdir((top / "made").c_str(), 0700).ok());
  EXPECT_EQ(access((top / "made").c_str(), F_OK), 0);
}

TEST(FakeOsTest, FailsACallAsOftenAsAsked) {
  FakeOs os;
  os.fail(Call::kAdvise, EAGAIN, 2, 1);
  EXPECT_EQ(os.advise(0, 0, 0).error(), 0);
  EXPECT_EQ(os.advise(0, 0, 0).error(), EAGAIN);
  EXPECT_EQ(os.advise(0, 0, 0).error(), EAGAIN);
  EXPECT_EQ(os.advise(0, 0, 0).error(), 0);
  EXPECT_EQ(os.calls(Call::kAdvise), 4);
  os.fail(Call::kAdvise, ENOMEM);
  EXPECT_EQ(os.advise(0, 0, 0).error(), ENOMEM);
  EXPECT_EQ(os.advise(0, 0, 0).error(), ENOMEM);
  os.heal(Call::kAdvise);
  EXPECT_EQ(os.advise(0, 0, 0).error(), 0);
}

TEST(FakeOsTest, RunsWhatIsInterleavedBeforeTheCallAndOnce) {
  FakeOs os;
  int runs = 0;
  os.interleave(Call::kNow, [&] {
    ++runs;
    static_cast<void>(os.now_ns());
  });
  static_cast<void>(os.now_ns());
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(os.calls(Call::kNow), 2);
}

TEST(FakeOsTest, ServesItsOwnFiles) {
  FakeOs os;
  os.put_file("/no/such/file", "0123456789");
  const SysResult fd = os.open("/no/such/file", O_RDONLY, 0);
  ASSERT_TRUE(fd.ok());
  char buffer[8] = {};
  EXPECT_EQ(os.pread(static_cast<int>(fd.value()), buffer, 4, 8).value(), 2);
  EXPECT_EQ(std::string(buffer), "89");
  EXPECT_EQ(os.pread(static_cast<int>(fd.value()), buffer, 4, 99).value(), 0);
  EXPECT_EQ(os.open_descriptors(), 1);
  EXPECT_TRUE(os.close(static_cast<int>(fd.value())).ok());
  EXPECT_EQ(os.close(static_cast<int>(fd.value())).error(), EBADF);
  EXPECT_EQ(os.open_descriptors(), 0);
}

TEST(FakeOsTest, ItsProcessesReadBackAsTheyWerePut) {
  FakeOs os;
  os.use_fake_processes();
  FakeProcess process;
  process.comm = "ta il)";
  process.state = 'R';
  process.start_ticks = 250;
  process.user_ticks = 7;
  process.resident_pages = 70;
  process.shared_pages = 20;
  process.swap_kib = 12;
  process.threads = 3;
  os.add_process(42, process);
  ProcessStat stat;
  ASSERT_EQ(read_process_stat(os, 42, stat), 0);
  EXPECT_STREQ(stat.comm, "ta il)");
  EXPECT_EQ(stat.state, 'R');
  EXPECT_EQ(stat.start_ns, 2'500'000'000U);
  EXPECT_EQ(stat.threads, 3U);
  EXPECT_EQ(stat.user_ns, 70'000'000U);
  Pages anonymous;
  ASSERT_EQ(read_anonymous(os, 42, anonymous), 0);
  EXPECT_EQ(anonymous, Pages{50});
  ProcessStatus memory;
  ASSERT_EQ(read_process_status(os, 42, memory), 0);
  EXPECT_EQ(memory.swapped, Pages{3});
  os.remove_process(42);
  EXPECT_EQ(read_process_stat(os, 42, stat), ENOENT);
  EXPECT_EQ(read_process_stat(os, static_cast<std::uint32_t>(getpid()), stat), ENOENT) << "real ones are not seen";
}

TEST(FakeOsTest, ItsClockStandsStillButForSleeps) {
  FakeOs os;
  os.set_clock(1000);
  EXPECT_EQ(os.now_ns(), 1000U);
  EXPECT_EQ(os.wall_ns(), FakeOs::kWallAtBoot + 1000);
  os.advance(500);
  EXPECT_EQ(os.now_ns(), 1500U);
  FutexWord word{0};
  EXPECT_EQ(os.futex_wait(word, 1, 100).error(), EAGAIN);
  EXPECT_EQ(os.now_ns(), 1500U);
  EXPECT_EQ(os.futex_wait(word, 0, 100).error(), ETIMEDOUT);
  EXPECT_EQ(os.now_ns(), 1600U);
  EXPECT_EQ(os.futex_wait(word, 0, -1).error(), EINTR) << "for ever is not to be had: nobody would wake us";
  os.yield();
  EXPECT_GT(os.now_ns(), 1600U);
}

TEST(FakeOsTest, CountsMappings) {
  FakeOs os;
  const MapResult memory = os.map_anonymous(4096);
  EXPECT_EQ(os.open_mappings(), 1);
  EXPECT_TRUE(os.unmap(memory.address, 4096).ok());
  EXPECT_EQ(os.open_mappings(), 0);
  os.fail(Call::kMapAnonymous, ENOMEM);
  EXPECT_EQ(os.map_anonymous(4096).error, ENOMEM);
  EXPECT_EQ(os.open_mappings(), 0);
}

}  // namespace
}  // namespace weir::testing
