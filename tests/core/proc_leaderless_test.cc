// proc_leaderless_test.cc - what /proc tells of a process whose first thread has ended.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <thread>

#include "core/proc.h"
#include "tests/core/support.h"

namespace weir {
namespace {

// A child whose first thread has ended while another holds memory and waits for a byte.
class LeaderlessChild {
 public:
  LeaderlessChild() {
    EXPECT_EQ(::pipe(ready_), 0);
    EXPECT_EQ(::pipe(end_), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      std::thread([this] { hold(); }).detach();
      ::syscall(SYS_exit, 0);  // this thread alone; pthread_exit unwinds, through what catches everything
    }
    ::close(ready_[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready_[0], &byte, 1), 1);
  }
  ~LeaderlessChild() {
    ::close(end_[1]);
    ::close(end_[0]);
    ::close(ready_[0]);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  LeaderlessChild(const LeaderlessChild&) = delete;
  LeaderlessChild& operator=(const LeaderlessChild&) = delete;
  [[nodiscard]] std::uint32_t pid() const {
    return static_cast<std::uint32_t>(pid_);
  }

 private:
  void hold() {
    static std::array<char, 4 * kMiB> memory;
    std::memset(memory.data(), 1, memory.size());
    ProcessStat stat;
    while (read_process_stat(raw_os(), static_cast<std::uint32_t>(::getpid()), stat) != 0 || stat.state != 'Z') {
      ::usleep(1000);
    }
    char byte = memory[0];
    static_cast<void>(!::write(ready_[1], &byte, 1));
    static_cast<void>(!::read(end_[0], &byte, 1));
  }

  int ready_[2] = {};
  int end_[2] = {};
  int pid_ = -1;
};

TEST(ProcOfLivingTest, AskedByAThreadThatLivesWhereTheFirstOneHasEnded) {
  const LeaderlessChild child;
  ProcessStat stat;
  ASSERT_EQ(read_process_stat(raw_os(), child.pid(), stat), 0);
  EXPECT_EQ(stat.state, 'Z');
  EXPECT_FALSE(is_over(stat));
  Pages anonymous;
  ASSERT_EQ(read_anonymous(raw_os(), child.pid(), anonymous), 0);
  EXPECT_GE(anonymous, Pages::holding(4 * kMiB));
  ProcessStatus memory;
  ASSERT_EQ(read_process_status(raw_os(), child.pid(), memory), 0);
  EXPECT_GT(memory.page_tables, Pages::none());
}

}  // namespace
}  // namespace weir
