// attach_test.cc - places for processes: taken, taken over, given back by the dead, and never lost.
#include <gtest/gtest.h>

#include <set>

#include "core/registry.h"
#include "core/usage.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::Call;
using testing::FakeProcess;
using testing::MemoryRegistry;

constexpr std::uint64_t kTicksPerSecond = 100;

class AttachTest : public ::testing::Test {
 protected:
  AttachResult attach(int pid, ContainerId container) {
    return registry_.view.attach(registry_.os, static_cast<std::uint32_t>(pid), container);
  }
  void live(int pid, std::uint64_t start_ticks = 0) {
    FakeProcess process;
    process.start_ticks = start_ticks;
    registry_.os.add_process(pid, process);
  }
  BookEntry entry(MemberId id) {
    return registry_.view.book(id).load();
  }

  MemoryRegistry registry_;
  ContainerId home_ = registry_.make("home");
};

TEST_F(AttachTest, ANewMemberHoldsAPlaceAndNoCharge) {
  live(40);
  const AttachResult attached = attach(40, home_);
  ASSERT_EQ(attached.failure, AttachFailure::kNone);
  EXPECT_EQ(entry(attached.id).pid, 40U);
  EXPECT_EQ(entry(attached.id).container, home_);
  EXPECT_EQ(entry(attached.id).charge, Pages::none());
  EXPECT_EQ(registry_.view.member(attached.id).attached_ns.load(), registry_.os.now_ns());
  EXPECT_GT(registry_.view.members_high(), attached.id.index);
  EXPECT_EQ(members_of(registry_.view, home_), 1U);
}

TEST_F(AttachTest, EveryPidHasAPlaceOfItsOwn) {
  std::set<std::uint32_t> places;
  for (int pid = 1; pid <= 100; ++pid) {
    live(pid);
    places.insert(attach(pid, home_).id.index);
  }
  EXPECT_EQ(places.size(), 100U);
  EXPECT_EQ(members_of(registry_.view, home_), 100U);
}

TEST_F(AttachTest, AMemberIsFoundByItsPid) {
  live(40);
  live(41);
  const MemberId first = attach(40, home_).id;
  const MemberId second = attach(41, home_).id;
  MemberId found;
  ASSERT_TRUE(registry_.view.find_member(41, found));
  EXPECT_EQ(found, second);
  ASSERT_TRUE(registry_.view.find_member(40, found));
  EXPECT_EQ(found, first);
  EXPECT_FALSE(registry_.view.find_member(42, found));
}

// exec keeps the pid and loses the memory.
TEST_F(AttachTest, TheSamePidTakesItsPlaceOver) {
  live(40);
  const ContainerId other = registry_.make("other");
  const MemberId first = attach(40, home_).id;
  registry_.view.book(first).set_charge(40, Pages{500});
  const AttachResult again = attach(40, other);
  ASSERT_EQ(again.failure, AttachFailure::kNone);
  EXPECT_EQ(again.id, first);
  EXPECT_EQ(entry(first).container, other);
  EXPECT_EQ(entry(first).charge, Pages::none());
  EXPECT_EQ(registry_.places_taken(), 1);
}

TEST_F(AttachTest, ANewMemberInheritsNothingOfTheLastInItsPlace) {
  const MemberId first = registry_.add_member(40, home_, Pages{500});
  MemberRecord& record = registry_.view.member(first);
  record.swap_pages.store(9);
  record.meter.store(static_cast<std::uint32_t>(Meter::kPerf));
  record.reclaimer_tid.store(44);
  record.request.store(3);
  record.wakeups.store(8);
  record.uid.store(4711);
  std::strcpy(record.comm, "departed");
  registry_.view.book(first).release(40);
  live(41);
  const MemberId second = attach(41, home_).id;
  ASSERT_EQ(second, first);
  EXPECT_EQ(record.swap_pages.load(), 0U);
  EXPECT_EQ(record.meter.load(), 0U);
  EXPECT_EQ(record.reclaimer_tid.load(), 0U);
  EXPECT_EQ(record.request.load(), 0U);
  EXPECT_EQ(record.wakeups.load(), 0U);
  EXPECT_EQ(record.uid.load(), geteuid());
  EXPECT_STREQ(record.comm, "");
}

TEST_F(AttachTest, Holds4096MembersAndRefusesOneMore) {
  for (int pid = 1; pid <= 4096; ++pid) {
    live(pid);
    ASSERT_EQ(attach(pid, home_).failure, AttachFailure::kNone) << pid;
  }
  EXPECT_EQ(members_of(registry_.view, home_), 4096U);
  live(5000);
  EXPECT_EQ(attach(5000, home_).failure, AttachFailure::kNoMemberPlace);
  MemberId found;
  EXPECT_FALSE(registry_.view.find_member(5000, found));
  EXPECT_EQ(attach(7, home_).failure, AttachFailure::kNone) << "who has a place needs no other";
}

TEST_F(AttachTest, WhenFullTheDeadMakeRoom) {
  for (int pid = 1; pid <= 4096; ++pid) {
    registry_.add_member(pid, home_, Pages{1});
  }
  for (const int pid : {17, 2000, 4096}) {
    registry_.os.remove_process(pid);
  }
  for (int pid = 5000; pid < 5003; ++pid) {
    live(pid);
    EXPECT_EQ(attach(pid, home_).failure, AttachFailure::kNone) << pid;
  }
  live(5003);
  EXPECT_EQ(attach(5003, home_).failure, AttachFailure::kNoMemberPlace);
  EXPECT_EQ(members_of(registry_.view, home_), 4096U);
  EXPECT_EQ(usage_of(registry_.view, home_), Pages{4093});
}

TEST_F(AttachTest, ReapingFreesTheDeadAndNobodyElse) {
  for (int pid = 1; pid <= 20; ++pid) {
    registry_.add_member(pid, home_, Pages{10});
  }
  for (int pid = 1; pid <= 20; pid += 2) {
    registry_.os.remove_process(pid);
  }
  EXPECT_EQ(reap_dead(registry_.os, registry_.view), 10U);
  EXPECT_EQ(reap_dead(registry_.os, registry_.view), 0U);
  EXPECT_EQ(usage_of(registry_.view, home_), Pages{100});
  EXPECT_EQ(registry_.places_taken(), 10);
}

TEST_F(AttachTest, AProcessThatStartedAfterTheAttachIsAnother) {
  const std::uint64_t attached_ticks = MemoryRegistry::kStartNs / 1'000'000'000 * kTicksPerSecond;
  live(40, attached_ticks - 5);
  const MemberId id = attach(40, home_).id;
  EXPECT_FALSE(member_is_dead(registry_.os, registry_.view.member(id), 40));
  live(40, attached_ticks + 50);
  EXPECT_TRUE(member_is_dead(registry_.os, registry_.view.member(id), 40));
}

// Start times are told in ticks of 10 ms.
TEST_F(AttachTest, AProcessThatAttachedInItsFirstTickIsNoOther) {
  const std::uint64_t attached_ticks = MemoryRegistry::kStartNs / 1'000'000'000 * kTicksPerSecond;
  live(40, attached_ticks);
  const MemberId id = attach(40, home_).id;
  EXPECT_FALSE(member_is_dead(registry_.os, registry_.view.member(id), 40));
  live(40, attached_ticks + 1);
  EXPECT_FALSE(member_is_dead(registry_.os, registry_.view.member(id), 40));
}

TEST_F(AttachTest, WhoCannotBeLookedAtIsTakenForAlive) {
  const MemberId id = registry_.add_member(40, home_, Pages{10});
  for (const int error : {EACCES, EMFILE, ENOMEM, EINTR}) {
    registry_.os.fail(Call::kOpen, error);
    EXPECT_FALSE(member_is_dead(registry_.os, registry_.view.member(id), 40)) << error;
  }
}

// A zombie waits for its parent, perhaps for ever; its memory is gone.
TEST_F(AttachTest, AZombieIsDead) {
  FakeProcess zombie;
  zombie.state = 'Z';
  const MemberId id = registry_.add_member(40, home_, Pages{10}, zombie);
  EXPECT_TRUE(member_is_dead(registry_.os, registry_.view.member(id), 40));
  EXPECT_EQ(reap_dead(registry_.os, registry_.view), 1U);
}

// The first thread of a process may leave before the others, and looks like a zombie then.
TEST_F(AttachTest, AProcessWhoseFirstThreadHasLeftIsAlive) {
  FakeProcess headless;
  headless.state = 'Z';
  headless.threads = 3;
  const MemberId id = registry_.add_member(40, home_, Pages{10}, headless);
  EXPECT_FALSE(member_is_dead(registry_.os, registry_.view.member(id), 40));
}

// Somebody looks for the dead between the taking of a place and its being stamped.
TEST_F(AttachTest, ANewMemberIsNotTakenForTheDeadOneWhosePlaceItGot) {
  const std::uint64_t now_ticks = MemoryRegistry::kStartNs / 1'000'000'000 * kTicksPerSecond;
  const MemberId old = registry_.add_member(40, home_, Pages{10});
  registry_.os.remove_process(40);
  ASSERT_EQ(reap_dead(registry_.os, registry_.view), 1U);
  registry_.os.advance(60'000'000'000);
  live(41, now_ticks + 50 * kTicksPerSecond);
  bool reaped = false;
  registry_.os.interleave(Call::kNow, [&] { reaped = reaped || reap_dead(registry_.os, registry_.view) > 0; });
  const AttachResult attached = attach(41, home_);
  ASSERT_EQ(attached.failure, AttachFailure::kNone);
  EXPECT_EQ(attached.id, old);
  EXPECT_EQ(entry(attached.id).pid, 41U) << (reaped ? "it was reaped while it attached" : "");
  EXPECT_EQ(registry_.places_taken(), 1);
}

TEST_F(AttachTest, ANewMemberIsNotTakenForDeadInAPlaceNeverUsed) {
  live(41, 50 * kTicksPerSecond);
  registry_.os.interleave(Call::kNow, [&] { reap_dead(registry_.os, registry_.view); });
  const AttachResult attached = attach(41, home_);
  ASSERT_EQ(attached.failure, AttachFailure::kNone);
  EXPECT_EQ(entry(attached.id).pid, 41U);
}

// The same for a pid used again, whose place is found by its number.
TEST_F(AttachTest, AReusedPidIsNotTakenForItsFormerOwner) {
  const std::uint64_t now_ticks = MemoryRegistry::kStartNs / 1'000'000'000 * kTicksPerSecond;
  registry_.add_member(40, home_, Pages::none());
  registry_.os.advance(60'000'000'000);
  live(40, now_ticks + 50 * kTicksPerSecond);
  registry_.os.interleave(Call::kNow, [&] { reap_dead(registry_.os, registry_.view); });
  const AttachResult attached = attach(40, home_);
  ASSERT_EQ(attached.failure, AttachFailure::kNone);
  EXPECT_EQ(entry(attached.id).pid, 40U);
  EXPECT_EQ(registry_.places_taken(), 1);
}

// A container may go between being found and being joined.
TEST_F(AttachTest, ARemovedContainerTakesNoMembers) {
  ASSERT_TRUE(registry_.view.remove(registry_.os, home_));
  live(40);
  EXPECT_NE(attach(40, home_).failure, AttachFailure::kNone);
  EXPECT_EQ(registry_.places_taken(), 0);
}

class DyingOs final : public testing::FakeOs {
 public:
  std::uint64_t now_ns() override {
    _exit(9);
  }
};

// Killed right after it took the very last place: nothing but the entry was written.
TEST_F(AttachTest, ThePlaceOfAProcessKilledWhileItAttachedIsFoundAgain) {
  WEIR_SKIP_UNDER_TSAN();
  const testing::TempDirectory top;
  RegistryView shared;
  ASSERT_EQ(shared.open(registry_.os, top.path().c_str(), true), OpenFailure::kNone);
  ContainerWish wish;
  wish.name = "home";
  const ContainerId home = shared.find_or_make(registry_.os, wish).id;
  for (std::uint32_t pid = 1; pid < kMaxMembers; ++pid) {
    live(static_cast<int>(pid));
    ASSERT_EQ(shared.attach(registry_.os, pid, home).failure, AttachFailure::kNone);
  }
  ASSERT_EQ(testing::wait_for(testing::start_child([&] {
              DyingOs dying;
              return static_cast<int>(shared.attach(dying, 9000, home).failure);
            })),
            9);
  live(9001);
  EXPECT_EQ(shared.attach(registry_.os, 9001, home).failure, AttachFailure::kNone);
  shared.close(registry_.os);
}

}  // namespace
}  // namespace weir
