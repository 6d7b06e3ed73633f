// cut_call_test.cc - real system calls of this libc, interrupted by a signal that nobody is to notice.
#include "core/cut_call.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace weir {
namespace {

constexpr int kOurs = SIGUSR1;
constexpr int kOther = SIGUSR2;
std::atomic<bool> repaired{true};
std::atomic<int> handled{0};

void on_ours(int, siginfo_t*, void* context) {
  auto& interrupted = *static_cast<ucontext_t*>(context);
  ++handled;
  if (!repaired) {
    return;
  }
  CutCall call(interrupted);
  sigset_t mask = interrupted.uc_sigmask;
  sigaddset(&mask, kOurs);
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  call.finish();
}

void on_other(int) {}

bool sleeps(pid_t tid) {
  std::ifstream file("/proc/self/task/" + std::to_string(tid) + "/stat");
  std::string text;
  std::getline(file, text);
  return text[text.rfind(')') + 2] == 'S';
}

#if defined(__SANITIZE_THREAD__)
constexpr bool kDefersHandlers = true;
#elif defined(__has_feature)
constexpr bool kDefersHandlers = __has_feature(thread_sanitizer);
#else
constexpr bool kDefersHandlers = false;
#endif

class CutCallTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (kDefersHandlers) {
      GTEST_SKIP() << "ThreadSanitizer runs handlers later, when the call is over";
    }
  }
  CutCallTest() {
    repaired = true;
    handled = 0;
    struct sigaction action = {};
    action.sa_sigaction = on_ours;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigfillset(&action.sa_mask);
    sigaction(kOurs, &action, nullptr);
    struct sigaction other = {};
    other.sa_handler = on_other;
    sigaction(kOther, &other, nullptr);
  }

  // Runs `call`, sends `signal` as soon as it sleeps in there, and then lets `after` help it to its end.
  template <typename Call>
  long interrupted(
      Call call, const std::function<void()>& after = [] {}, int signal = kOurs) {
    const pid_t tid = gettid();
    std::atomic<bool> begun{false};
    std::thread sender([&] {
      while (!begun || !sleeps(tid)) {
        std::this_thread::yield();
      }
      tgkill(getpid(), tid, signal);
      while (signal == kOurs && (handled == 0 || (repaired && !sleeps(tid)))) {
        std::this_thread::yield();
      }
      after();
    });
    begun = true;
    const long result = call();
    error_ = result < 0 ? errno : 0;
    sender.join();
    return result;
  }

  int error_ = 0;
};

TEST_F(CutCallTest, WithoutItTheyEndEarly) {
  repaired = false;
  EXPECT_EQ(interrupted([] { return poll(nullptr, 0, 1000); }), -1);
  EXPECT_EQ(error_, EINTR);
}

TEST_F(CutCallTest, WhatWaitsGoesOnWaiting) {
  timespec time = {0, 20'000'000};
  EXPECT_EQ(interrupted([] { return poll(nullptr, 0, 20); }), 0);
  EXPECT_EQ(interrupted([&] { return ppoll(nullptr, 0, &time, nullptr); }), 0);
  EXPECT_EQ(interrupted([&] { return nanosleep(&time, nullptr); }), 0);
  EXPECT_EQ(interrupted([&] { return clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr); }), 0);
  EXPECT_EQ(interrupted([&] { return usleep(20'000); }), 0);
  EXPECT_EQ(interrupted([&] { return pselect(0, nullptr, nullptr, nullptr, &time, nullptr); }), 0);
  timeval shorter = {0, 20'000};
  EXPECT_EQ(interrupted([&] { return select(0, nullptr, nullptr, nullptr, &shorter); }), 0);
  EXPECT_EQ(interrupted([] { return static_cast<int>(sleep(1)); }), 0);
}

TEST_F(CutCallTest, WhatWaitsForEventsAndPostsToo) {
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  EXPECT_EQ(interrupted([&] { return epoll_wait(epoll, &event, 1, 20); }), 0);
  EXPECT_EQ(interrupted([&] { return epoll_pwait(epoll, &event, 1, 20, nullptr); }), 0);
  close(epoll);
  sem_t posts;
  sem_init(&posts, 0, 0);
  timespec until = {};
  clock_gettime(CLOCK_REALTIME, &until);
  ++until.tv_sec;
  EXPECT_EQ(interrupted([&] { return sem_timedwait(&posts, &until); }, [&] { sem_post(&posts); }), 0);
}

TEST_F(CutCallTest, AnotherSignalIsNoticedAsEver) {
  EXPECT_EQ(interrupted([] { return poll(nullptr, 0, 1000); }, [] {}, kOther), -1);
  EXPECT_EQ(error_, EINTR);
  EXPECT_EQ(handled, 0);
}

TEST_F(CutCallTest, WhoOpensSignalsForTheCallAloneMayCountOnEintr) {
  sigset_t none;
  sigemptyset(&none);
  timespec time = {1, 0};
  EXPECT_EQ(interrupted([&] { return ppoll(nullptr, 0, &time, &none); }), -1);
  EXPECT_EQ(interrupted([&] { return pselect(0, nullptr, nullptr, nullptr, &time, &none); }), -1);
}

constexpr std::size_t kBytes = std::size_t{1} << 20;

std::vector<char> numbered(std::size_t bytes) {
  std::vector<char> data(bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    data[i] = static_cast<char>(i * 7 + i / 251);
  }
  return data;
}

// Two ends, and who reads from one what is written to the other.
class TransferTest : public CutCallTest {
 protected:
  ~TransferTest() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  void make_pipe() {
    ASSERT_EQ(pipe(ends_), 0);
  }
  void make_sockets() {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0);
  }
  void drain() {
    while (got_.size() < kBytes) {
      char data[65536];
      const ssize_t bytes = read(ends_[0], data, sizeof(data));
      ASSERT_GT(bytes, 0);
      got_.insert(got_.end(), data, data + bytes);
    }
  }
  void fill(std::size_t from, std::size_t to) {
    while (from < to) {
      const ssize_t bytes = write(ends_[1], all_.data() + from, to - from);
      ASSERT_GT(bytes, 0);
      from += static_cast<std::size_t>(bytes);
    }
  }
  // In three parts, the first of them empty.
  std::vector<iovec> parts(std::vector<char>& data) {
    return {{data.data(), 0}, {data.data(), kBytes / 3}, {data.data() + kBytes / 3, kBytes - kBytes / 3}};
  }
  void expect_whole(long result) {
    EXPECT_EQ(result, static_cast<long>(kBytes));
    EXPECT_EQ(got_, all_);
    EXPECT_EQ(handled, 1);
  }

  int ends_[2] = {-1, -1};
  std::vector<char> all_ = numbered(kBytes);
  std::vector<char> got_;
};

TEST_F(TransferTest, WithoutItAWriteEndsWithAPart) {
  repaired = false;
  make_pipe();
  EXPECT_LT(interrupted([&] { return write(ends_[1], all_.data(), kBytes); }), static_cast<long>(kBytes));
}

TEST_F(TransferTest, AWriteToAPipeIsWhole) {
  make_pipe();
  expect_whole(interrupted([&] { return write(ends_[1], all_.data(), kBytes); }, [&] { drain(); }));
}

TEST_F(TransferTest, AndOneOfSeveralBuffers) {
  make_pipe();
  auto vectors = parts(all_);
  expect_whole(interrupted([&] { return writev(ends_[1], vectors.data(), 3); }, [&] { drain(); }));
}

TEST_F(TransferTest, ASendIsWhole) {
  make_sockets();
  expect_whole(interrupted([&] { return send(ends_[1], all_.data(), kBytes, MSG_NOSIGNAL); }, [&] { drain(); }));
}

TEST_F(TransferTest, AndAMessageInParts) {
  make_sockets();
  auto vectors = parts(all_);
  msghdr message = {};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  expect_whole(interrupted([&] { return sendmsg(ends_[1], &message, 0); }, [&] { drain(); }));
}

TEST_F(TransferTest, WhoWaitsForAllOfItGetsAllOfIt) {
  make_sockets();
  got_.resize(kBytes);
  fill(0, 1000);
  expect_whole(
      interrupted([&] { return recv(ends_[0], got_.data(), kBytes, MSG_WAITALL); }, [&] { fill(1000, kBytes); }));
}

TEST_F(TransferTest, InPartsToo) {
  make_sockets();
  got_.resize(kBytes);
  auto vectors = parts(got_);
  msghdr message = {};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  fill(0, 1000);
  expect_whole(interrupted([&] { return recvmsg(ends_[0], &message, MSG_WAITALL); }, [&] { fill(1000, kBytes); }));
}

TEST_F(TransferTest, AnotherSignalEndsTheRestAsItEndsTheCall) {
  make_pipe();
  const pid_t tid = gettid();
  const long wrote =
      interrupted([&] { return write(ends_[1], all_.data(), kBytes); }, [&] { tgkill(getpid(), tid, kOther); });
  EXPECT_GT(wrote, 0);
  EXPECT_LT(wrote, static_cast<long>(kBytes));
}

TEST_F(TransferTest, WhatTheReaderLeftIsAPartStill) {
  make_pipe();
  signal(SIGPIPE, SIG_IGN);
  const long wrote = interrupted([&] { return write(ends_[1], all_.data(), kBytes); },
                                 [&] {
                                   close(ends_[0]);
                                   ends_[0] = -1;
                                 });
  EXPECT_GT(wrote, 0);
  EXPECT_LT(wrote, static_cast<long>(kBytes));
  signal(SIGPIPE, SIG_DFL);
}

// These never sleep: the signal comes whenever it comes, often enough.
template <typename Call>
void under_fire(Call call) {
  const pid_t tid = gettid();
  std::atomic<bool> done{false};
  std::thread sender([&] {
    while (!done) {
      tgkill(getpid(), tid, kOurs);
      usleep(200);
    }
  });
  for (int i = 0; i < 20; ++i) {
    call();
  }
  done = true;
  sender.join();
}

TEST_F(CutCallTest, ReadsOfDevicesAreWhole) {
  std::vector<char> data(8 * kBytes);
  under_fire([&] { EXPECT_EQ(getrandom(data.data(), kBytes, 0), static_cast<long>(kBytes)); });
  FILE* const device = fopen("/dev/zero", "r");
  under_fire([&] { EXPECT_EQ(read(fileno(device), data.data(), data.size()), static_cast<long>(data.size())); });
  fclose(device);
  EXPECT_GT(handled, 20);
}

}  // namespace
}  // namespace weir
