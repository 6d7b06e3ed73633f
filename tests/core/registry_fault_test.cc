// registry_fault_test.cc - the registry on a hostile host: wrong owners, read-only and full file systems, locks never
// granted.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "core/lost_registry.h"
#include "core/registry.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::Call;
using testing::start_child;
using testing::TempDirectory;
using testing::wait_for;

constexpr std::uint64_t kSecondNs = 1'000'000'000;

class RegistryFaultTest : public ::testing::Test {
 protected:
  OpenFailure open() {
    view_.close(os_);
    return view_.open(os_, directory_.c_str(), true);
  }
  void expect_refused_then_healed(Call call, int error, OpenFailure expected) {
    os_.fail(call, error);
    EXPECT_EQ(open(), expected);
    EXPECT_FALSE(view_.is_open());
    EXPECT_EQ(os_.open_descriptors(), 0);
    EXPECT_EQ(os_.open_mappings(), 0);
    os_.heal(call);
    EXPECT_EQ(open(), OpenFailure::kNone) << "what failed once must not be broken for good";
  }
  void TearDown() override {
    view_.close(os_);
    EXPECT_EQ(os_.open_descriptors(), 0) << "a descriptor was left open";
    EXPECT_EQ(os_.open_mappings(), 0) << "a mapping was left behind";
  }

  TempDirectory top_;
  std::string directory_ = top_ / "weir";
  std::string file_ = directory_ + "/registry";
  testing::FakeOs os_;
  RegistryView view_;
};

TEST_F(RegistryFaultTest, ADirectoryOpenToOthersIsRefused) {
  for (const mode_t mode : {0755U, 0750U, 0701U, 0770U, 0777U, 01777U}) {
    ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
    ASSERT_EQ(chmod(directory_.c_str(), mode), 0);
    EXPECT_EQ(open(), OpenFailure::kNoDirectory) << std::oct << mode;
    ASSERT_EQ(rmdir(directory_.c_str()), 0) << "something was written into it";
  }
}

TEST_F(RegistryFaultTest, ADirectoryOfSomebodyElseIsRefused) {
  ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
  os_.set_effective_uid(geteuid() + 1);
  EXPECT_EQ(open(), OpenFailure::kNoDirectory);
  EXPECT_EQ(rmdir(directory_.c_str()), 0) << "something was written into it";
}

TEST_F(RegistryFaultTest, ALinkOrAFileIsNoDirectory) {
  const std::string real = top_ / "real";
  ASSERT_EQ(mkdir(real.c_str(), 0700), 0);
  ASSERT_EQ(symlink(real.c_str(), directory_.c_str()), 0);
  EXPECT_EQ(open(), OpenFailure::kNoDirectory);
  ASSERT_EQ(unlink(directory_.c_str()), 0);
  std::ofstream(directory_) << "a file";
  EXPECT_EQ(open(), OpenFailure::kNoDirectory);
}

TEST_F(RegistryFaultTest, ADirectoryThatAnotherMakesFirstIsUsed) {
  os_.interleave(Call::kMkdir, [&] { ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0); });
  EXPECT_EQ(open(), OpenFailure::kNone);
}

TEST_F(RegistryFaultTest, ADirectoryWithoutAParentIsNotMade) {
  directory_ = top_ / "missing/weir";
  EXPECT_EQ(open(), OpenFailure::kNoDirectory);
}

// Root may write anywhere: the directory is tried as an ordinary user, in a child if need be.
TEST_F(RegistryFaultTest, AReadOnlyDirectoryIsAFailure) {
  ASSERT_EQ(chmod(top_.path().c_str(), 0755), 0);
  ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
  if (geteuid() == 0) {
    ASSERT_EQ(chown(directory_.c_str(), testing::kNobody, testing::kNobody), 0);
  }
  ASSERT_EQ(chmod(directory_.c_str(), 0500), 0);
  const int status =
      wait_for(start_child([&] { return testing::become_ordinary_user() ? static_cast<int>(open()) : 99; }));
  EXPECT_EQ(status, static_cast<int>(OpenFailure::kNoFile));
  ASSERT_EQ(chmod(directory_.c_str(), 0700), 0);
}

TEST_F(RegistryFaultTest, AReadOnlyFileSystemIsAFailure) {
  expect_refused_then_healed(Call::kOpen, EROFS, OpenFailure::kNoFile);
}

TEST_F(RegistryFaultTest, TooManyOpenFilesIsAFailure) {
  expect_refused_then_healed(Call::kOpen, EMFILE, OpenFailure::kNoFile);
}

TEST_F(RegistryFaultTest, AFullFileSystemSaysSo) {
  expect_refused_then_healed(Call::kAllocate, ENOSPC, OpenFailure::kNoSpace);
}

TEST_F(RegistryFaultTest, AnExhaustedQuotaSaysSo) {
  expect_refused_then_healed(Call::kAllocate, EDQUOT, OpenFailure::kNoSpace);
}

TEST_F(RegistryFaultTest, NoInodeLeftSaysSo) {
  expect_refused_then_healed(Call::kOpen, ENOSPC, OpenFailure::kNoSpace);
}

// Where fallocate is unknown the file system is not full: other words, other remedy.
TEST_F(RegistryFaultTest, AFileSystemThatCannotAllocateIsNotCalledFull) {
  expect_refused_then_healed(Call::kAllocate, EOPNOTSUPP, OpenFailure::kNoFile);
}

TEST_F(RegistryFaultTest, NoAddressSpaceIsAFailure) {
  expect_refused_then_healed(Call::kMapShared, ENOMEM, OpenFailure::kNoMapping);
}

TEST_F(RegistryFaultTest, NoAddressSpaceForALaterOpenerIsAFailure) {
  ASSERT_EQ(open(), OpenFailure::kNone);
  expect_refused_then_healed(Call::kMapShared, ENOMEM, OpenFailure::kNoMapping);
}

TEST_F(RegistryFaultTest, AFailingStatOrReadIsAFailure) {
  expect_refused_then_healed(Call::kFstat, EIO, OpenFailure::kNoFile);
  expect_refused_then_healed(Call::kPread, EIO, OpenFailure::kNoFile);
}

TEST_F(RegistryFaultTest, ALockNeverGrantedFailsInBoundedTime) {
  os_.set_clock(kSecondNs);
  os_.fail(Call::kFlock, EWOULDBLOCK);
  EXPECT_EQ(open(), OpenFailure::kBusy);
  EXPECT_LE(os_.now_ns(), 3 * kSecondNs);
  EXPECT_LE(os_.calls(Call::kFlock), 5000);
  os_.heal(Call::kFlock);
  EXPECT_EQ(open(), OpenFailure::kNone);
}

TEST_F(RegistryFaultTest, ALockGrantedLateIsWaitedFor) {
  os_.set_clock(kSecondNs);
  os_.fail(Call::kFlock, EWOULDBLOCK, 100);
  EXPECT_EQ(open(), OpenFailure::kNone);
}

TEST_F(RegistryFaultTest, WithoutTheLockNoContainerIsMadeOrRemoved) {
  os_.set_clock(kSecondNs);
  ASSERT_EQ(open(), OpenFailure::kNone);
  ContainerWish wish;
  wish.name = "there";
  wish.named = true;
  const ContainerResult there = view_.find_or_make(os_, wish);
  ASSERT_EQ(there.failure, AttachFailure::kNone);
  os_.fail(Call::kFlock, EWOULDBLOCK);
  EXPECT_EQ(view_.find_or_make(os_, wish).id, there.id) << "to find one that exists takes no lock";
  wish.name = "new";
  EXPECT_EQ(view_.find_or_make(os_, wish).failure, AttachFailure::kLockBusy);
  EXPECT_FALSE(view_.remove(os_, there.id));
  EXPECT_LE(os_.now_ns(), 5 * kSecondNs);
  ContainerId found;
  EXPECT_FALSE(view_.find("new", found));
  EXPECT_TRUE(view_.find("there", found));
}

TEST_F(RegistryFaultTest, AStoppedLockHolderDoesNotHangTheNext) {
  WEIR_SKIP_UNDER_TSAN();
  ASSERT_EQ(open(), OpenFailure::kNone);
  const int held = ::open(file_.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(held, LOCK_EX), 0);
  ContainerWish wish;
  wish.name = "new";
  EXPECT_EQ(view_.find_or_make(os_, wish).failure, AttachFailure::kLockBusy);
  ASSERT_EQ(close(held), 0);
  EXPECT_EQ(view_.find_or_make(os_, wish).failure, AttachFailure::kNone);
}

// `ulimit -f`: the kernel answers an allocation beyond it with a deadly signal.
TEST_F(RegistryFaultTest, AFileSizeLimitIsAFailureAndNotADeath) {
  const int status = wait_for(start_child([&] {
    const struct rlimit small = {4096, 4096};
    setrlimit(RLIMIT_FSIZE, &small);
    return open() == OpenFailure::kNone ? 99 : 0;
  }));
  EXPECT_EQ(status, 0) << (status == 128 + SIGXFSZ ? "died of SIGXFSZ" : "");
  EXPECT_EQ(open(), OpenFailure::kNone);
}

TEST_F(RegistryFaultTest, ATinyFileSystemIsAFailureAndNotADeath) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root: mounts a tmpfs of 64 KiB in a mount namespace of its own";
  }
  const int status = wait_for(start_child([&] {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", top_.path().c_str(), "tmpfs", 0, "size=64k,mode=0700") != 0) {
      return 77;
    }
    return open() == OpenFailure::kNoSpace ? 0 : 1;
  }));
  if (status == 77) {
    GTEST_SKIP() << "this root may not mount: no tmpfs of 64 KiB to be had";
  }
  EXPECT_EQ(status, 0);
}

TEST_F(RegistryFaultTest, APathTooLongIsAFailure) {
  directory_ = top_.path() + "/" + std::string(10240, 'd');
  EXPECT_EQ(open(), OpenFailure::kNoDirectory);
}

TEST_F(RegistryFaultTest, OneCutShortWhileMappedIsReplacedByOneThatKnowsNobody) {
  ASSERT_EQ(open(), OpenFailure::kNone);
  Registry& registry = view_.raw();
  const auto begin = reinterpret_cast<std::uintptr_t>(&registry);
  registry.containers[3].limit.store(5);
  ASSERT_EQ(truncate(file_.c_str(), 0), 0);
  EXPECT_FALSE(replace_lost(registry, begin - 1));
  EXPECT_FALSE(replace_lost(registry, begin + kRegistryBytes));
  for (const std::uintptr_t fault : {begin, begin + kRegistryBytes - 1}) {
    ASSERT_TRUE(replace_lost(registry, fault));
    EXPECT_EQ(&view_.raw(), &registry);
    EXPECT_EQ(registry.header.magic.load(), 0U);
    EXPECT_EQ(view_.members_high(), 0U);
    for (const ContainerRecord& container : registry.containers) {
      EXPECT_EQ(container.limit.load(), UINT64_MAX);
      EXPECT_EQ(container.high_watermark.load(), UINT64_MAX);
      EXPECT_EQ(container.swap_limit.load(), UINT64_MAX);
      EXPECT_EQ(container.state.load(), ContainerRecord::kFree);
    }
    registry.members[kMaxMembers - 1].wake.store(1);
  }
  struct stat found = {};
  ASSERT_EQ(stat(file_.c_str(), &found), 0);
  EXPECT_EQ(found.st_size, 0) << "what is written now is nobody else's";
}

}  // namespace
}  // namespace weir
