// stats_test.cc - snapshots: what the books say, what /proc says, and one table of keys for all formats.
#include "core/stats.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "tests/core/support.h"

namespace weir {
namespace {

using testing::Call;
using testing::FakeProcess;
using testing::MemoryRegistry;
using testing::mib;

class StatsTest : public ::testing::Test {
 protected:
  ContainerStats look(Look how) {
    return container_stats(registry_.os, registry_.view, home_, how);
  }
  void set_process(int pid, Pages resident, std::uint64_t swap_kib = 0, const char* comm = "fake") {
    FakeProcess process;
    process.comm = comm;
    process.resident_pages = resident.count;
    process.swap_kib = swap_kib;
    registry_.os.add_process(pid, process);
  }

  MemoryRegistry registry_;
  ContainerId home_ = registry_.make("home", {mib(64), mib(56), mib(48)});
};

TEST_F(StatsTest, TheBooksAreTakenAtTheirWord) {
  registry_.add_member(1, home_, Pages{100});
  registry_.add_member(2, home_, Pages{50});
  registry_.os.add_process(1, {});
  const ContainerStats stats = look(Look::kBooks);
  EXPECT_EQ(stats.usage, Pages{150});
  EXPECT_EQ(stats.members, 2U);
  EXPECT_EQ(registry_.os.calls(Call::kPread), 0) << "looking at the books reads no file";
}

TEST_F(StatsTest, ANewLookBringsTheBooksUpToDate) {
  const MemberId member = registry_.add_member(1, home_, Pages{100});
  set_process(1, Pages{70}, 40, "tail");
  const ContainerStats stats = look(Look::kProc);
  EXPECT_EQ(stats.usage, Pages{70});
  EXPECT_EQ(stats.swap_usage, Pages{10});
  EXPECT_EQ(registry_.view.book(member).load().charge, Pages{70});
  EXPECT_STREQ(registry_.view.member(member).comm, "tail");
  EXPECT_EQ(look(Look::kBooks).usage, Pages{70});
}

TEST_F(StatsTest, AQuickLookAtTheChargesLeavesTheRest) {
  const MemberId member = registry_.add_member(1, home_, Pages{100});
  registry_.add_member(2, home_, Pages{50});
  set_process(1, Pages{70}, 40, "tail");
  registry_.os.remove_process(2);
  refresh_charges(registry_.os, registry_.view, Subtree::below(registry_.view, home_));
  EXPECT_EQ(usage_of(registry_.view, home_), Pages{70}) << "the dead are forgotten here too";
  EXPECT_EQ(registry_.view.member(member).swap_pages.load(), 0U);
}

TEST_F(StatsTest, ANewLookForgetsTheDead) {
  registry_.add_member(1, home_, Pages{100});
  registry_.add_member(2, home_, Pages{50});
  registry_.os.remove_process(1);
  const ContainerStats stats = look(Look::kProc);
  EXPECT_EQ(stats.usage, Pages{50});
  EXPECT_EQ(stats.members, 1U);
  EXPECT_EQ(registry_.places_taken(), 1);
}

TEST_F(StatsTest, ANewLookForgetsNobodyItCouldNotLookAt) {
  registry_.add_member(1, home_, Pages{100});
  registry_.os.fail(Call::kOpen, EMFILE);
  const ContainerStats stats = look(Look::kProc);
  EXPECT_EQ(stats.usage, Pages{100});
  EXPECT_EQ(stats.members, 1U);
}

TEST_F(StatsTest, ANewLookLeavesOtherContainersAlone) {
  const ContainerId other = registry_.make("other");
  registry_.add_member(1, other, Pages{100});
  registry_.os.remove_process(1);
  look(Look::kProc);
  EXPECT_EQ(usage_of(registry_.view, other), Pages{100});
}

TEST_F(StatsTest, AParentsStatisticsCoverAllBelow) {
  const ContainerId child = registry_.make("home/child");
  registry_.add_member(1, home_, Pages{100});
  const MemberId below = registry_.add_member(2, child, Pages{50});
  registry_.view.member(below).swap_pages.store(7);
  const ContainerStats stats = look(Look::kBooks);
  EXPECT_EQ(stats.usage, Pages{150});
  EXPECT_EQ(stats.swap_usage, Pages{7});
  EXPECT_EQ(stats.members, 2U);
}

TEST_F(StatsTest, ANewLookNotesPeakAndOvershoot) {
  registry_.add_member(1, home_, Pages::none());
  set_process(1, mib(67));
  look(Look::kProc);
  set_process(1, mib(10));
  const ContainerStats stats = look(Look::kProc);
  EXPECT_EQ(stats.usage, mib(10));
  EXPECT_EQ(stats.peak, mib(67));
  EXPECT_EQ(stats.overshoot_peak, mib(3));
}

TEST_F(StatsTest, TheWeakestMeterIsNamed) {
  const MemberId one = registry_.add_member(1, home_, Pages{1});
  const MemberId two = registry_.add_member(2, home_, Pages{1});
  EXPECT_EQ(look(Look::kBooks).meter, Meter::kOff);
  registry_.view.member(one).meter.store(static_cast<std::uint32_t>(Meter::kPerf));
  EXPECT_EQ(look(Look::kBooks).meter, Meter::kPerf);
  registry_.view.member(two).meter.store(static_cast<std::uint32_t>(Meter::kFallback));
  EXPECT_EQ(look(Look::kBooks).meter, Meter::kFallback);
}

TEST_F(StatsTest, MembersAreListedOneByOne) {
  const ContainerId child = registry_.make("home/child");
  const ContainerId other = registry_.make("other");
  registry_.add_member(11, home_, Pages{1});
  registry_.add_member(12, other, Pages{2});
  const MemberId third = registry_.add_member(13, child, Pages{3});
  registry_.view.member(third).wakeups.store(5);
  std::strcpy(registry_.view.member(third).comm, "tail");
  const Subtree subtree = Subtree::below(registry_.view, home_);
  std::vector<MemberStats> members;
  MemberStats member;
  for (std::uint32_t cursor = 0; next_member(registry_.view, subtree, cursor, member);) {
    members.push_back(member);
  }
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0].pid, 11U);
  EXPECT_EQ(members[1].pid, 13U);
  EXPECT_EQ(members[1].usage, Pages{3});
  EXPECT_EQ(members[1].wakeups, 5U);
  EXPECT_STREQ(members[1].comm, "tail");
}

TEST_F(StatsTest, ANameThatFillsItsRecordEnds) {
  const MemberId id = registry_.add_member(1, home_, Pages{1});
  std::memset(registry_.view.member(id).comm, 'x', kCommBytes);
  MemberStats member;
  std::uint32_t cursor = 0;
  ASSERT_TRUE(next_member(registry_.view, Subtree::below(registry_.view, home_), cursor, member));
  EXPECT_EQ(std::string(member.comm), std::string(15, 'x'));
}

TEST_F(StatsTest, EveryCounterIsShownUnderItsOwnKey) {
  ContainerCounters& counters = registry_.view.container(home_).counters;
  Counter* all[] = {
      &counters.failcnt,           &counters.allocstall,      &counters.allocstall_ns,   &counters.throttle,
      &counters.throttle_ns,       &counters.in_place,        &counters.in_place_ns,     &counters.background_runs,
      &counters.background_ns,     &counters.evict_requested, &counters.evict_done,      &counters.purged,
      &counters.refault,           &counters.enomem,          &counters.events_low,      &counters.events_high,
      &counters.events_limit,      &counters.events_oom,      &counters.events_oom_kill, &counters.refault_ns,
      &counters.proactive_evicted, &counters.events_thrash};
  const ContainerStats before = look(Look::kBooks);
  std::size_t count = 0;
  const StatRow* rows = stat_rows(&count);
  std::set<std::string> changed;
  for (Counter* counter : all) {
    counter->store(5'000'000);
    const ContainerStats after = look(Look::kBooks);
    int changes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rows[i].get(after) != rows[i].get(before)) {
        EXPECT_EQ(rows[i].get(after), 5'000'000U) << rows[i].key;
        EXPECT_TRUE(rows[i].monotone) << rows[i].key;
        changed.insert(rows[i].key);
        ++changes;
      }
    }
    EXPECT_EQ(changes, 1);
    counter->store(0);
  }
  EXPECT_EQ(changed.size(), std::size(all));
}

TEST_F(StatsTest, WhatStayedIsKeptByReason) {
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    registry_.view.container(home_).counters.evict_stayed[i].store(10 + i);
  }
  const ContainerStats stats = look(Look::kBooks);
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    EXPECT_EQ(stats.evict_stayed[i], Pages{10 + i});
  }
}

TEST(StatRowsTest, HoldTheKeysThatWerePromised) {
  std::size_t count = 0;
  const StatRow* rows = stat_rows(&count);
  std::set<std::string> keys;
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_TRUE(keys.insert(rows[i].key).second) << rows[i].key << " stands twice";
    EXPECT_NE(rows[i].help[0], '\0') << rows[i].key;
    const bool in_us = std::string(rows[i].key).ends_with("_us");
    EXPECT_EQ(in_us, rows[i].unit == StatRow::Unit::kMicroseconds) << rows[i].key;
  }
  for (const char* key :
       {"usage",           "swap_usage",    "limit",           "high_watermark",   "low_watermark",     "peak",
        "overshoot_peak",  "failcnt",       "allocstall",      "allocstall_us",    "in_place",          "in_place_us",
        "background_runs", "background_us", "evict_requested", "evict_done",       "proactive_evicted", "purged",
        "refault",         "refault_us",    "refault_rate",    "working_set_half", "working_set_tenth", "members",
        "events_low",      "events_high",   "events_limit",    "events_oom",       "events_oom_kill"}) {
    EXPECT_TRUE(keys.contains(key)) << key;
  }
}

}  // namespace
}  // namespace weir
