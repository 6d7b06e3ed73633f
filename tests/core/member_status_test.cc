// member_status_test.cc - who can give memory back by itself: stopped, gone over to another program, or neither.
#include "core/member_status.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "core/events.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::FakeProcess;
using testing::MemoryRegistry;
using testing::mib;

constexpr int kPid = 42;
constexpr std::uint32_t kDumpSignal = 62;
constexpr char kBoth[] = "2000000000000010";  // SIGTRAP and the dump signal
constexpr char kTrapOnly[] = "0000000000000010";
constexpr char kDumpOnly[] = "2000000000000000";
constexpr char kOthers[] = "0000000000004000";
constexpr char kOurMaps[] = "7f00-7f01 r-xp 00000000 00:01 5 /opt/lib/libweir.so\n";

class MemberStatusTest : public ::testing::Test {
 protected:
  MemberStatusTest() {
    record().dump_signal.store(kDumpSignal);
  }
  MemberRecord& record() {
    return registry_.view.member(member_);
  }
  Reach note(const FakeProcess& process) {
    registry_.os.add_process(kPid, process);
    note_status(registry_.os, registry_.view, member_, kPid);
    return reach_of(record());
  }
  Reach note(const char* caught, char state = 'S') {
    FakeProcess process;
    process.caught = caught;
    process.state = state;
    return note(process);
  }
  void put_maps(const std::string& text) {
    registry_.os.put_file("/proc/42/maps", text);
  }
  [[nodiscard]] int mute_events() {
    int found = 0;
    Event event;
    std::uint64_t missed = 0;
    for (std::uint64_t next = 0; read_event(registry_.view, next, event, missed);) {
      found += event.kind == EventKind::kMute ? 1 : 0;
    }
    return found;
  }

  MemoryRegistry registry_;
  ContainerId home_ = registry_.make("home", {mib(64), mib(56), mib(48)});
  MemberId member_ = registry_.add_member(kPid, home_, Pages{1000});
};

TEST_F(MemberStatusTest, WhoCatchesOurSignalsGivesBackItself) {
  record().reclaimer_tid.store(43);
  EXPECT_EQ(note(kBoth), Reach::kItself);
  EXPECT_EQ(mute_events(), 0);
}

TEST_F(MemberStatusTest, StoppedIsToldOnceAndEndsWhenItGoesOn) {
  EXPECT_EQ(note(kBoth, 'T'), Reach::kStopped);
  EXPECT_EQ(note(kBoth, 't'), Reach::kStopped) << "by a debugger";
  EXPECT_EQ(mute_events(), 1);
  EXPECT_EQ(note(kBoth, 'R'), Reach::kItself);
}

TEST_F(MemberStatusTest, WithItsReclaimerTheMetersHandlerGoesToo) {
  record().reclaimer_tid.store(43);
  put_maps("1000-2000 r-xp 00000000 00:01 5 /bin/static\n");
  EXPECT_EQ(note(kTrapOnly), Reach::kItself) << "the dump signal is the program's to set back";
  EXPECT_EQ(note(kDumpOnly), Reach::kAlien);
  EXPECT_EQ(mute_events(), 1);
  put_maps(kOurMaps);
  EXPECT_EQ(note(kDumpOnly), Reach::kItself) << "a new program, about to attach";
}

TEST_F(MemberStatusTest, WithoutAReclaimerTheMapsDecide) {
  put_maps("1000-2000 r-xp 00000000 00:01 5 /bin/static\n");
  EXPECT_EQ(note(kDumpOnly), Reach::kItself);
  EXPECT_EQ(note(kOthers), Reach::kAlien);
  put_maps(kOurMaps);
  EXPECT_EQ(note(kOthers), Reach::kItself) << "it has set all handlers back";
  registry_.os.remove_file("/proc/42/maps");
  EXPECT_EQ(note(kOthers), Reach::kItself) << "what cannot be read proves nothing";
}

// The name may lie across two reads, wherever these are cut.
TEST_F(MemberStatusTest, OurLibraryIsFoundAnywhereInLongMaps) {
  for (std::size_t before = 980; before < 1080; ++before) {
    put_maps(std::string(before, 'x') + "libweir.so\n" + std::string(3000, 'y'));
    ASSERT_EQ(note(kOthers), Reach::kItself) << before;
  }
  put_maps(std::string(5000, 'x') + "libweir.s");
  EXPECT_EQ(note(kOthers), Reach::kAlien);
}

TEST_F(MemberStatusTest, WhereTheKernelTellsNoHandlersNobodyIsAccused) {
  record().reclaimer_tid.store(43);
  EXPECT_EQ(note(""), Reach::kItself);
  record().reclaimer_tid.store(0);
  record().dump_signal.store(0);
  EXPECT_EQ(note(kOthers), Reach::kItself) << "it never had one of ours";
}

TEST_F(MemberStatusTest, OnlyWhoIsKnownToCatchASignalDoes) {
  note(kBoth);
  EXPECT_TRUE(catches(registry_.os, kPid, kDumpSignal));
  EXPECT_FALSE(catches(registry_.os, kPid, 0));
  EXPECT_FALSE(catches(registry_.os, kPid, 65));
  const std::string blocked = std::string("Name:\tx\nState:\tS (sleeping)\nSigBlk:\t") + kBoth + "\nSigCgt:\t" + kBoth;
  registry_.os.put_file("/proc/" + std::to_string(kPid) + "/status", blocked + "\n");
  EXPECT_FALSE(catches(registry_.os, kPid, kDumpSignal)) << "it may wait for it";
  note(kBoth);
  registry_.os.put_file("/proc/" + std::to_string(kPid) + "/syscall", "128 0x7ff 0x0");
  EXPECT_FALSE(catches(registry_.os, kPid, kDumpSignal)) << "it waits for signals just now";
  registry_.os.put_file("/proc/" + std::to_string(kPid) + "/syscall", "running");
  EXPECT_TRUE(catches(registry_.os, kPid, kDumpSignal));
  note(kTrapOnly);
  EXPECT_FALSE(catches(registry_.os, kPid, kDumpSignal));
  note("");
  EXPECT_FALSE(catches(registry_.os, kPid, kDumpSignal)) << "the kernel does not tell";
  EXPECT_FALSE(catches(registry_.os, kPid + 1, kDumpSignal));
}

TEST_F(MemberStatusTest, WhoCannotBeReadKeepsWhatItHad) {
  EXPECT_EQ(note(kBoth, 'T'), Reach::kStopped);
  registry_.os.remove_process(kPid);
  note_status(registry_.os, registry_.view, member_, kPid);
  EXPECT_EQ(reach_of(record()), Reach::kStopped);
}

TEST_F(MemberStatusTest, WhatIsPagedOutIsNotedLessThatOfItsGroups) {
  FakeProcess process;
  process.swap_kib = 400;
  record().groups_swapped.store(30);
  note(process);
  EXPECT_EQ(record().swap_pages.load(), 70U);
}

TEST_F(MemberStatusTest, LittleMemoryIsNotWorthAnEvent) {
  registry_.view.book(member_).set_charge(kPid, Pages{200});
  EXPECT_EQ(note(kBoth, 'T'), Reach::kStopped);
  EXPECT_EQ(mute_events(), 0);
}

TEST_F(MemberStatusTest, AllThatAMuteMemberHoldsIsUnevictable) {
  note(kBoth, 'T');
  EXPECT_EQ(container_stats(registry_.os, registry_.view, home_, Look::kBooks).unevictable, Pages{1000});
  note(kBoth);
  record().unevictable_pages.store(10);
  EXPECT_EQ(container_stats(registry_.os, registry_.view, home_, Look::kBooks).unevictable, Pages{10});
}

// Whoever only reads the charges looks at the mute all the same: they are not asked for help meanwhile.
TEST_F(MemberStatusTest, ALookAtTheChargesFindsWhoGoesOn) {
  note(kBoth, 'T');
  registry_.os.add_process(kPid, {});
  refresh_charges(registry_.os, registry_.view, Subtree::below(registry_.view, home_));
  EXPECT_EQ(reach_of(record()), Reach::kItself);
}

TEST(MemberStatusProcessTest, ARealProcessIsSeenToStopAndToGoOn) {
  MemoryRegistry registry;
  const ContainerId home = registry.make("home", {mib(64), mib(56), mib(48)});
  const pid_t child = fork();
  if (child == 0) {
    for (;;) {
      pause();
    }
  }
  ASSERT_GT(child, 0);
  const auto pid = static_cast<std::uint32_t>(child);
  const MemberId member = registry.add_member(static_cast<int>(pid), home, Pages{10});
  const auto becomes = [&](Reach wanted) {
    for (int tries = 0; tries < 2000; ++tries) {
      note_status(raw_os(), registry.view, member, pid);
      if (reach_of(registry.view.member(member)) == wanted) {
        return true;
      }
      usleep(1000);
    }
    return false;
  };
  kill(child, SIGSTOP);
  EXPECT_TRUE(becomes(Reach::kStopped));
  kill(child, SIGCONT);
  EXPECT_TRUE(becomes(Reach::kItself));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

FakeProcess with_swap(std::uint64_t kib) {
  FakeProcess process;
  process.swap_kib = kib;
  return process;
}

TEST_F(MemberStatusTest, OfSwapSharedByForkAMemberHasItsPart) {
  registry_.os.set_clock(1'000'000'000);
  record().swap_is_shared.store(1);
  registry_.os.put_file("/proc/42/smaps_rollup", "1-2 ---p 0 00:00 0 [rollup]\nSwap: 400 kB\nSwapPss: 100 kB\n");
  note(with_swap(400));
  EXPECT_EQ(record().swap_pages.load(), 25U);
  note(with_swap(480));
  EXPECT_EQ(record().swap_pages.load(), 45U) << "what it pages out itself is its own, without another walk";
  registry_.os.put_file("/proc/42/smaps_rollup", "1-2 ---p 0 00:00 0 [rollup]\nSwap: 480 kB\nSwapPss: 480 kB\n");
  registry_.os.advance(200'000'000);
  note(with_swap(480));
  EXPECT_EQ(record().swap_pages.load(), 120U) << "the others are gone";
  EXPECT_EQ(record().swap_is_shared.load(), 0U);
}

TEST_F(MemberStatusTest, WhoForkedNobodyIsNotWalked) {
  registry_.os.put_file("/proc/42/smaps_rollup", "1-2 ---p 0 00:00 0 [rollup]\nSwap: 400 kB\nSwapPss: 100 kB\n");
  note(with_swap(400));
  EXPECT_EQ(record().swap_pages.load(), 100U);
}

TEST_F(MemberStatusTest, AShareThatCannotBeReadIsAllOfIt) {
  record().swap_is_shared.store(1);
  for (const char* text : {"", "SwapPss: 4 kB", "1-2 [rollup]\nSwapPss:\n", "1-2 [rollup]\nSwapPss: x kB\n"}) {
    registry_.os.put_file("/proc/42/smaps_rollup", text);
    note(with_swap(400));
    EXPECT_EQ(record().swap_pages.load(), 100U) << text;
  }
}

}  // namespace
}  // namespace weir
