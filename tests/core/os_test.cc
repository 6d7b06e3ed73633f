// os_test.cc - RawOs against the kernel: its answers are the kernel's, and the program's errno stays as it was.
#include "core/os.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>

#include "tests/core/support.h"

namespace weir {
namespace {

using testing::TempDirectory;

constexpr std::uint64_t kSecondNs = 1'000'000'000;

class RawOsTest : public ::testing::Test {
 protected:
  int open(const std::string& name, int flags = O_RDWR | O_CREAT) {
    const SysResult fd = raw_os().open((top_ / name).c_str(), flags, 0600);
    return fd.ok() ? static_cast<int>(fd.value()) : -fd.error();
  }

  TempDirectory top_;
};

TEST_F(RawOsTest, ResultsAreAValueOrAnErrno) {
  EXPECT_TRUE(SysResult(0).ok());
  EXPECT_EQ(SysResult(0).error(), 0);
  EXPECT_EQ(SysResult(7).value(), 7);
  EXPECT_EQ(SysResult(7).error(), 0);
  EXPECT_FALSE(SysResult(-ENOENT).ok());
  EXPECT_EQ(SysResult(-ENOENT).error(), ENOENT);
}

TEST_F(RawOsTest, FailuresLeaveErrnoAlone) {
  errno = 4711;
  EXPECT_EQ(raw_os().open("/no/such/file", O_RDONLY, 0).error(), ENOENT);
  EXPECT_EQ(raw_os().close(-1).error(), EBADF);
  EXPECT_EQ(raw_os().kill(0x7fffffff, 0).error(), ESRCH);
  EXPECT_EQ(raw_os().map_shared(-1, 4096).error, EBADF);
  EXPECT_EQ(raw_os().advise(1, 4096, MADV_DONTNEED).error(), EINVAL);
  EXPECT_EQ(raw_os().map_anonymous(0).error, EINVAL);
  EXPECT_EQ(raw_os().mkdir(top_.path().c_str(), 0700).error(), EEXIST);
  EXPECT_EQ(errno, 4711);
}

TEST_F(RawOsTest, FilesAreClosedOnExec) {
  const int fd = open("file");
  ASSERT_GE(fd, 0);
  EXPECT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_TRUE(raw_os().close(fd).ok());
}

TEST_F(RawOsTest, WritesAndReadsAtAPlace) {
  const int fd = open("file");
  ASSERT_EQ(raw_os().write(fd, "0123456789", 10).value(), 10);
  char buffer[4] = {};
  EXPECT_EQ(raw_os().pread(fd, buffer, 4, 6).value(), 4);
  EXPECT_EQ(std::string(buffer, 4), "6789");
  EXPECT_EQ(raw_os().pread(fd, buffer, 4, 10).value(), 0);
  struct stat st = {};
  EXPECT_TRUE(raw_os().fstat(fd, &st).ok());
  EXPECT_EQ(st.st_size, 10);
  EXPECT_TRUE(raw_os().fchmod(fd, 0640).ok());
  EXPECT_TRUE(raw_os().lstat((top_ / "file").c_str(), &st).ok());
  EXPECT_EQ(st.st_mode & 0777, 0640U);
  EXPECT_TRUE(raw_os().unlink((top_ / "file").c_str()).ok());
  EXPECT_EQ(raw_os().lstat((top_ / "file").c_str(), &st).error(), ENOENT);
  EXPECT_TRUE(raw_os().close(fd).ok());
}

TEST_F(RawOsTest, LstatLooksAtTheLinkItself) {
  ASSERT_EQ(symlink("/nowhere", (top_ / "link").c_str()), 0);
  struct stat st = {};
  ASSERT_TRUE(raw_os().lstat((top_ / "link").c_str(), &st).ok());
  EXPECT_TRUE(S_ISLNK(st.st_mode));
}

TEST_F(RawOsTest, AllocateMakesEveryBlockReal) {
  const int fd = open("file");
  ASSERT_TRUE(raw_os().allocate(fd, 1 << 20).ok());
  struct stat st = {};
  ASSERT_TRUE(raw_os().fstat(fd, &st).ok());
  EXPECT_EQ(st.st_size, 1 << 20);
  EXPECT_GE(st.st_blocks * 512, 1 << 20);
  EXPECT_TRUE(raw_os().close(fd).ok());
}

TEST_F(RawOsTest, ASecondLockIsRefusedUntilTheFirstIsGone) {
  const int first = open("file");
  const int second = open("file");
  ASSERT_TRUE(raw_os().flock(first, LOCK_EX | LOCK_NB).ok());
  EXPECT_EQ(raw_os().flock(second, LOCK_EX | LOCK_NB).error(), EWOULDBLOCK);
  EXPECT_TRUE(raw_os().close(first).ok());
  EXPECT_TRUE(raw_os().flock(second, LOCK_EX | LOCK_NB).ok());
  EXPECT_TRUE(raw_os().close(second).ok());
}

TEST_F(RawOsTest, SharedMappingsShare) {
  const int fd = open("file");
  ASSERT_TRUE(raw_os().allocate(fd, 4096).ok());
  const MapResult one = raw_os().map_shared(fd, 4096);
  const MapResult two = raw_os().map_shared(fd, 4096);
  ASSERT_TRUE(one.ok() && two.ok());
  static_cast<char*>(one.address)[5] = 'x';
  EXPECT_EQ(static_cast<char*>(two.address)[5], 'x');
  EXPECT_TRUE(raw_os().unmap(one.address, 4096).ok());
  EXPECT_TRUE(raw_os().unmap(two.address, 4096).ok());
  EXPECT_TRUE(raw_os().close(fd).ok());
}

TEST_F(RawOsTest, AnonymousMemoryIsZeroAndMayBeGivenBack) {
  const MapResult memory = raw_os().map_anonymous(1 << 16);
  ASSERT_TRUE(memory.ok());
  char* bytes = static_cast<char*>(memory.address);
  EXPECT_EQ(bytes[0], 0);
  bytes[0] = 'x';
  EXPECT_TRUE(raw_os().advise(reinterpret_cast<std::uintptr_t>(bytes), 1 << 16, MADV_DONTNEED).ok());
  EXPECT_EQ(bytes[0], 0);
  EXPECT_TRUE(raw_os().unmap(memory.address, 1 << 16).ok());
}

TEST_F(RawOsTest, KnowsWhoIsAsking) {
  EXPECT_EQ(raw_os().pid(), getpid());
  EXPECT_EQ(raw_os().tid(), syscall(SYS_gettid));
  EXPECT_EQ(raw_os().effective_uid(), geteuid());
  int tid_there = 0;
  std::thread([&] { tid_there = raw_os().tid(); }).join();
  EXPECT_NE(tid_there, raw_os().tid());
  struct rusage usage = {};
  EXPECT_TRUE(raw_os().usage(&usage).ok());
  EXPECT_GT(usage.ru_minflt, 0);
}

TEST_F(RawOsTest, DirectoriesAreListed) {
  const int file = open("seen");
  const int directory = open("", O_RDONLY | O_DIRECTORY);
  ASSERT_GE(directory, 0);
  char buffer[1024];
  const SysResult got = raw_os().list(directory, buffer, sizeof(buffer));
  ASSERT_TRUE(got.ok());
  EXPECT_NE(std::string(buffer, static_cast<std::size_t>(got.value())).find("seen"), std::string::npos);
  EXPECT_TRUE(raw_os().close(directory).ok());
  EXPECT_TRUE(raw_os().close(file).ok());
}

TEST_F(RawOsTest, AQueuedSignalBringsItsCookie) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigset_t old;
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &set, &old), 0);
  int cookie = 0;
  ASSERT_TRUE(raw_os().queue_signal(raw_os().tid(), SIGRTMIN, &cookie).ok());
  siginfo_t info = {};
  const struct timespec soon = {5, 0};
  EXPECT_EQ(sigtimedwait(&set, &info, &soon), SIGRTMIN);
  EXPECT_EQ(info.si_value.sival_ptr, &cookie);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

TEST_F(RawOsTest, AFutexSleepEndsInTime) {
  FutexWord word{1};
  EXPECT_EQ(raw_os().futex_wait(word, 2, kSecondNs).error(), EAGAIN);
  const std::uint64_t before = raw_os().now_ns();
  EXPECT_EQ(raw_os().futex_wait(word, 1, 2'000'000).error(), ETIMEDOUT);
  EXPECT_GE(raw_os().now_ns() - before, 2'000'000U);
}

TEST_F(RawOsTest, AFutexIsWokenAcrossProcesses) {
  WEIR_SKIP_UNDER_TSAN();
  auto* word = static_cast<FutexWord*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(static_cast<void*>(word), MAP_FAILED);
  const pid_t waker = testing::start_child([&] {
    word->store(1);
    for (int i = 0; i < 1000 && raw_os().futex_wake(*word, 1).value() == 0; ++i) {
      usleep(1000);
    }
    return 0;
  });
  while (word->load() == 0 && raw_os().futex_wait(*word, 0, static_cast<std::int64_t>(10 * kSecondNs)).ok()) {
  }
  EXPECT_EQ(raw_os().futex_wake(*word, 1).value(), 0);
  kill(waker, SIGKILL);
  testing::wait_for(waker);
  munmap(static_cast<void*>(word), 4096);
}

TEST_F(RawOsTest, AQueuedSignalDoesNotOutliveAnExec) {
  const pid_t child = fork();
  if (child == 0) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    if (raw_os().queue_signal(raw_os().tid(), SIGTRAP, &all).ok()) {
      sigset_t pending;
      sigpending(&pending);
      if (sigismember(&pending, SIGTRAP) == 1) {
        execl("/bin/grep", "grep", "-q", "SigPnd:\t0000000000000000", "/proc/self/status", nullptr);
      }
    }
    _exit(2);
  }
  EXPECT_EQ(testing::wait_for(child), 0) << "1: still pending; 2: it was not pending before";
}

TEST_F(RawOsTest, ClocksRun) {
  const std::uint64_t now = raw_os().now_ns();
  const std::uint64_t cpu = raw_os().thread_cpu_ns();
  EXPECT_GT(now, 0U);
  EXPECT_GT(raw_os().wall_ns(), 1'500'000'000 * kSecondNs);
  volatile unsigned work = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    work = work + 1;
  }
  EXPECT_GT(raw_os().now_ns(), now);
  EXPECT_GT(raw_os().thread_cpu_ns(), cpu);
}

}  // namespace
}  // namespace weir
