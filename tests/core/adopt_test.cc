// adopt_test.cc - children that cannot attach themselves get a place in their parent's container, and no others do.
#include "core/adopt.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/member_status.h"
#include "core/tasks.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::FakeOs;
using testing::MemoryRegistry;
using testing::mib;

// A child that sleeps, and how it lives: with a child of its own.
class Sleeper {
 public:
  explicit Sleeper(bool has_child = false) {
    int tell[2];
    EXPECT_EQ(pipe(tell), 0);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const pid_t child = has_child ? fork() : 1;
      if (child > 0 && write(tell[1], &child, sizeof(child)) != sizeof(child)) {
        _exit(1);
      }
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) {
        pause();
      }
    }
    EXPECT_EQ(read(tell[0], &child_, sizeof(child_)), static_cast<ssize_t>(sizeof(child_)));
    close(tell[0]);
    close(tell[1]);
  }
  ~Sleeper() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  [[nodiscard]] int pid() const {
    return pid_;
  }
  [[nodiscard]] int child() const {
    return child_;
  }

 private:
  pid_t pid_ = 0;
  pid_t child_ = 0;
};

class AdoptTest : public ::testing::Test {
 protected:
  AdoptTest() {
    attach(getpid());
  }
  void attach(int pid) {
    EXPECT_EQ(registry_.view.attach(raw_os(), static_cast<std::uint32_t>(pid), home_).failure, AttachFailure::kNone);
  }
  // Once the newest child is old enough to be believed.
  std::uint32_t adopt() {
    usleep(80'000);
    return adopt_children(raw_os(), registry_.view, Subtree::below(registry_.view, home_));
  }
  [[nodiscard]] bool is_member(int pid, MemberId& out) const {
    return registry_.view.find_member(static_cast<std::uint32_t>(pid), out);
  }
  MemoryRegistry registry_;
  ContainerId home_ = registry_.make("home", {mib(64), mib(56), mib(48)});
};

TEST_F(AdoptTest, ChildrenOfAProcessAreListed) {
  class List final : public ThreadVisitor {
   public:
    bool visit(int pid) override {
      pids.push_back(pid);
      return true;
    }
    std::vector<int> pids;
  } list;
  const Sleeper one;
  const Sleeper two;
  ASSERT_EQ(each_child(raw_os(), static_cast<std::uint32_t>(getpid()), list), 0);
  for (const int pid : {one.pid(), two.pid()}) {
    EXPECT_EQ(std::count(list.pids.begin(), list.pids.end(), pid), 1);
  }
}

TEST_F(AdoptTest, AChildWithoutOurCodeIsTakenInWithItsChildren) {
  const Sleeper child(true);
  EXPECT_EQ(adopt(), 2U);
  for (const int pid : {child.pid(), child.child()}) {
    MemberId member;
    ASSERT_TRUE(is_member(pid, member));
    EXPECT_EQ(registry_.view.book(member).load().container, home_);
    EXPECT_EQ(reach_of(registry_.view.member(member)), Reach::kAlien);
    note_status(raw_os(), registry_.view, member, static_cast<std::uint32_t>(pid));
    EXPECT_EQ(reach_of(registry_.view.member(member)), Reach::kAlien) << "and stays so";
  }
  EXPECT_EQ(adopt(), 0U) << "once";
}

TEST_F(AdoptTest, OneThatHasJustStartedMayAttachItself) {
  const Sleeper child;
  EXPECT_EQ(adopt_children(raw_os(), registry_.view, Subtree::below(registry_.view, home_)), 0U);
}

TEST_F(AdoptTest, WhoAttachesAfterAllTakesThePlaceOver) {
  const Sleeper child;
  ASSERT_EQ(adopt(), 1U);
  MemberId adopted;
  ASSERT_TRUE(is_member(child.pid(), adopted));
  const ContainerId other = registry_.make("other", {mib(64), mib(56), mib(48)});
  const AttachResult own = registry_.view.attach(raw_os(), static_cast<std::uint32_t>(child.pid()), other);
  EXPECT_EQ(own.id, adopted);
  EXPECT_EQ(registry_.view.book(own.id).load().container, other);
  EXPECT_EQ(registry_.view.member(own.id).adopted.load(), 0U);
}

TEST_F(AdoptTest, WhoHasAPlaceIsNotAdopted) {
  const Sleeper child;
  attach(child.pid());
  EXPECT_EQ(adopt(), 0U);
  MemberId out;
  EXPECT_FALSE(registry_.view.adopt(raw_os(), static_cast<std::uint32_t>(child.pid()), home_, out));
}

TEST_F(AdoptTest, WhereOurLibraryIsMappedNobodyIsTakenIn) {
  FakeOs os;
  os.use_fake_processes();
  os.set_clock(1'000'000'000'000);
  os.put_file("/proc/77/maps", "7f00-7f01 r-xp 00000000 00:01 5 /opt/libweir.so\n");
  EXPECT_EQ(our_code_in(os, 77), OurCode::kMapped);
  os.put_file("/proc/77/maps", "1000-2000 r-xp 00000000 00:01 5 /bin/static\n");
  EXPECT_EQ(our_code_in(os, 77), OurCode::kNotMapped);
  os.put_file("/proc/77/maps", "");
  EXPECT_EQ(our_code_in(os, 77), OurCode::kGone) << "it is about to end";
  EXPECT_EQ(our_code_in(os, 78), OurCode::kGone);
  os.fail(testing::Call::kOpen, EACCES);
  EXPECT_EQ(our_code_in(os, 77), OurCode::kHidden);
}

}  // namespace
}  // namespace weir
