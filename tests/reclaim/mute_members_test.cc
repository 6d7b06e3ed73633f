// mute_members_test.cc - members that give nothing back themselves: found, counted, and paged out of from outside.
#include "reclaim/mute_members.h"

#include <gtest/gtest.h>

#include <map>

#include "core/member_status.h"
#include "reclaim/other_members.h"
#include "tests/reclaim/members.h"

namespace weir::testing {
namespace {

// Each other process' pages are those of the heap, as far as its pagemap tells; what is advised leaves.
class OutsideOs : public MachineOs {
 public:
  SysResult pidfd(int pid) override {
    now_about_ = pid;
    return open("/proc/thread-self/pagemap", 0, 0);
  }
  SysResult advise_other(int, std::uintptr_t address, std::size_t bytes, int advice) override {
    EXPECT_EQ(advice, 21);
    if (refuses) {
      return SysResult(-EPERM);
    }
    starts.push_back((address - kHeap) / kPageBytes);
    FakeProcess& process = processes_[now_about_];
    const std::uint64_t pages = std::min<std::uint64_t>(bytes / kPageBytes, process.resident_pages);
    process.resident_pages -= pages;
    process.swap_kib += pages * 4;
    taken[now_about_] += pages;
    add_process(now_about_, process);
    return SysResult(static_cast<long>(bytes));
  }
  void put(int pid, const FakeProcess& process) {
    processes_[pid] = process;
    add_process(pid, process);
    put_file("/proc/" + std::to_string(pid) + "/pagemap", "");
  }

  bool refuses = false;
  std::map<int, std::uint64_t> taken;
  std::vector<std::uint64_t> starts;  // page numbers

 private:
  int now_about_ = 0;
  std::map<int, FakeProcess> processes_;
};

constexpr int kOther = 5001;

class MuteMembersTest : public ::testing::Test {
 protected:
  MuteMembersTest() : view_(engine_.view) {
    view_.adopt(*registry_);
    ContainerRecord& box = view_.container(container_);
    box.limit.store(kMarks.limit.count);
    box.swap_limit.store(UINT64_MAX);
    box.state.store(ContainerRecord::kLive);
    os_.touch(0, 1000);
    engine_.account.bind(view_, view_.attach(os_, kSelf, container_).id, kSelf);
    engine_.account.refresh(os_, nullptr);
  }
  MemberRecord& add(int pid, std::uint64_t pages, char state, bool has_reclaimer = true) {
    FakeProcess process;
    process.resident_pages = pages;
    process.state = state;
    os_.put(pid, process);
    os_.set_process_cpu(pid, 0);
    const MemberId id = view_.attach(os_, static_cast<std::uint32_t>(pid), container_).id;
    view_.book(id).set_charge(static_cast<std::uint32_t>(pid), Pages{pages});
    view_.member(id).reclaimer_tid.store(has_reclaimer ? 77 : 0);
    return view_.member(id);
  }
  // Its exec has set the handler of the meter back.
  void go_over(int pid, std::uint64_t pages) {
    FakeProcess process;
    process.resident_pages = pages;
    process.caught = "0000000000000000";
    os_.put(pid, process);
    os_.put_file("/proc/" + std::to_string(pid) + "/maps", "1000-2000 r-xp 00000000 00:01 5 /bin/static\n");
  }
  Pages take(std::uint64_t wanted) {
    return page_out_of_mute(engine_, container_, Pages{wanted});
  }

  OutsideOs os_;
  Engine engine_{os_};
  RegistryView& view_;
  ContainerId container_{7};
  std::unique_ptr<Registry> registry_ = std::make_unique<Registry>();
};

TEST_F(MuteMembersTest, WhoRunsIsLeftAlone) {
  add(kOther, 1000, 'R');
  EXPECT_EQ(take(500), Pages::none());
  EXPECT_TRUE(os_.taken.empty());
}

TEST_F(MuteMembersTest, AStoppedMemberGivesAllThatIsWanted) {
  const MemberRecord& other = add(kOther, 1000, 'T');
  EXPECT_EQ(take(500), Pages{500});
  EXPECT_EQ(os_.taken[kOther], 500U);
  EXPECT_EQ(reach_of(other), Reach::kStopped);
  EXPECT_EQ(usage_of(view_, container_), Pages{1500}) << "and is charged less at once";
  EXPECT_EQ(other.swap_pages.load(), 500U);
  EXPECT_EQ(view_.container(container_).counters.evict_done.load(), 500U);
  EXPECT_EQ(engine_.record().leaving_pages.load(), 0U);
  EXPECT_EQ(os_.open_descriptors(), 0);
}

TEST_F(MuteMembersTest, NoMoreThanIsWantedOfSeveral) {
  add(kOther, 300, 'T');
  add(kOther + 1, 1000, 'T');
  EXPECT_EQ(take(500), Pages{500});
  EXPECT_EQ(os_.taken[kOther], 300U);
  EXPECT_EQ(os_.taken[kOther + 1], 200U);
}

TEST_F(MuteMembersTest, WhereItIsNotAllowedItIsOnlyCounted) {
  add(kOther, 1000, 'T');
  os_.refuses = true;
  EXPECT_EQ(take(500), Pages::none());
  EXPECT_EQ(container_stats(os_, view_, container_, Look::kBooks).unevictable, Pages{1000});
  EXPECT_EQ(os_.open_descriptors(), 0);
}

TEST_F(MuteMembersTest, AnotherProgramGivesItsShareAndTakesTurns) {
  add(kOther, 1000, 'S');
  go_over(kOther, 1000);
  EXPECT_EQ(take(500), Pages{250}) << "half of what the container holds is its";
  os_.advance(30 * kMs);
  take(500);
  ASSERT_GE(os_.starts.size(), 2U);
  EXPECT_EQ(os_.starts[0], 0U);
  EXPECT_EQ(os_.starts[1], 250U) << "where it was left";
}

TEST_F(MuteMembersTest, OnceRoundItBeginsAgain) {
  MemberRecord& other = add(kOther, 1000, 'T');
  other.outside_at.store(kHeap + 900 * kPageBytes);
  EXPECT_EQ(take(500), Pages{500});
  EXPECT_EQ(os_.starts, (std::vector<std::uint64_t>{900, 0}));
}

TEST_F(MuteMembersTest, WithoutAReclaimerOnlyWhoIsIdle) {
  add(kOther, 1000, 'S', false);
  EXPECT_EQ(take(500), Pages::none()) << "seen for the first time";
  os_.advance(500 * kMs);
  os_.set_process_cpu(kOther, 100 * kMs);
  EXPECT_EQ(take(500), Pages::none()) << "it has run";
  os_.advance(kSecond + kMs);
  EXPECT_EQ(take(500), Pages{500});
}

TEST_F(MuteMembersTest, SoonAgainWhereSomethingLeftElseTenTimesASecond) {
  add(kOther, 1000, 'T');
  EXPECT_EQ(take(100), Pages{100});
  EXPECT_EQ(take(100), Pages::none());
  os_.advance(21 * kMs);
  EXPECT_EQ(take(100), Pages{100});
  os_.refuses = true;
  os_.advance(21 * kMs);
  EXPECT_EQ(take(100), Pages::none());
  os_.refuses = false;
  os_.advance(50 * kMs);
  EXPECT_EQ(take(100), Pages::none());
  os_.advance(51 * kMs);
  EXPECT_EQ(take(100), Pages{100});
}

TEST_F(MuteMembersTest, TheSwapLimitHoldsForItToo) {
  add(kOther, 1000, 'T');
  view_.container(container_).swap_limit.store(120);
  EXPECT_EQ(take(500), Pages{120});
  os_.advance(kSecond);
  EXPECT_EQ(take(500), Pages::none());
}

TEST_F(MuteMembersTest, WithSwapFullItIsNotTried) {
  add(kOther, 1000, 'T');
  engine_.no_swap_until_ns.store(os_.now_ns() + kSecond);
  EXPECT_EQ(take(500), Pages::none());
}

TEST_F(MuteMembersTest, AnotherProcessWithItsPidIsLeftAlone) {
  add(kOther, 1000, 'T');
  FakeProcess process;
  process.resident_pages = 1000;
  process.state = 'T';
  process.start_ticks = os_.now_ns() / 10'000'000 + 1000;
  os_.put(kOther, process);
  EXPECT_EQ(take(500), Pages::none());
  EXPECT_TRUE(os_.taken.empty());
}

TEST_F(MuteMembersTest, TheMuteAreNotCalledForHelp) {
  const MemberRecord& other = add(kOther, 1000, 'T');
  take(0);
  EXPECT_EQ(call_for_help(engine_, container_, Pages::none()), 0);
  EXPECT_EQ(other.wake.load(), 0U);
}

}  // namespace
}  // namespace weir::testing
