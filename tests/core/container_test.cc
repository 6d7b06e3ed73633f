// container_test.cc - making, finding and removing containers by name, with their parents.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/registry.h"
#include "core/usage.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::MemoryRegistry;
using testing::mib;

class ContainerTest : public ::testing::Test {
 protected:
  bool exists(std::string_view name) {
    ContainerId ignored;
    return registry_.view.find(name, ignored);
  }
  std::string name_of(ContainerId id) {
    return registry_.view.container(id).name;
  }
  ContainerResult wish(const ContainerWish& wish) {
    return registry_.view.find_or_make(registry_.os, wish);
  }

  MemoryRegistry registry_;
};

TEST_F(ContainerTest, AnEmptyRegistryHasNone) {
  for (const char* name : {"a", "a/b", ""}) {
    EXPECT_FALSE(exists(name));
  }
}

TEST_F(ContainerTest, IsMadeAsItWasWished) {
  ContainerWish build;
  build.name = "build";
  build.named = true;
  build.marks = {mib(64), mib(56), mib(48)};
  build.swap_limit = mib(128);
  build.oom = {OomPolicy::kPause, 30};
  build.background = false;
  build.load_control = false;
  build.adaptive = true;
  build.proactive = 25;
  build.thrash = {30, true};
  const ContainerResult made = wish(build);
  ASSERT_EQ(made.failure, AttachFailure::kNone);
  EXPECT_TRUE(made.created);
  const ContainerStats stats = container_stats(registry_.os, registry_.view, made.id, Look::kBooks);
  EXPECT_STREQ(stats.name, "build");
  EXPECT_EQ(stats.marks, build.marks);
  EXPECT_EQ(stats.swap_limit, mib(128));
  EXPECT_EQ(stats.oom.policy, OomPolicy::kPause);
  EXPECT_EQ(stats.oom.pause_seconds, 30U);
  EXPECT_FALSE(stats.background);
  EXPECT_FALSE(stats.load_control);
  EXPECT_TRUE(stats.adaptive);
  EXPECT_EQ(stats.proactive, 25U);
  EXPECT_EQ(stats.thrash, (ThrashChoice{30, true}));
  EXPECT_EQ(stats.usage, Pages::none());
  EXPECT_EQ(stats.peak, Pages::none());
  EXPECT_EQ(registry_.view.container(made.id).created_wall_ns.load(), registry_.os.wall_ns());
}

TEST_F(ContainerTest, MadeTwiceIsOneContainer) {
  ContainerWish first;
  first.name = "build";
  first.named = true;
  first.marks = {mib(64), mib(56), mib(48)};
  const ContainerResult made = wish(first);
  ContainerWish second = first;
  second.marks = {mib(32), mib(28), mib(24)};
  const ContainerResult again = wish(second);
  EXPECT_EQ(again.failure, AttachFailure::kNone);
  EXPECT_EQ(again.id, made.id);
  EXPECT_FALSE(again.created);
  EXPECT_EQ(marks_of(registry_.view.container(made.id)), first.marks) << "only the first to name it decides";
}

TEST_F(ContainerTest, NamesThatBeginAlikeAreDifferent) {
  const ContainerId a = registry_.make("a");
  const ContainerId ab = registry_.make("ab");
  const ContainerId a_b = registry_.make("a/b");
  EXPECT_NE(a, ab);
  EXPECT_NE(ab, a_b);
  EXPECT_FALSE(exists("A"));
  EXPECT_FALSE(exists("a/"));
  EXPECT_FALSE(exists("abc"));
}

TEST_F(ContainerTest, ParentsAreMadeOnTheWay) {
  const ContainerId leaf = registry_.make("a/b/c");
  ContainerId b;
  ContainerId a;
  ASSERT_TRUE(registry_.view.find("a/b", b));
  ASSERT_TRUE(registry_.view.find("a", a));
  ContainerId parent;
  ASSERT_TRUE(parent_of(registry_.view, leaf, parent));
  EXPECT_EQ(parent, b);
  ASSERT_TRUE(parent_of(registry_.view, b, parent));
  EXPECT_EQ(parent, a);
  EXPECT_FALSE(parent_of(registry_.view, a, parent));
  EXPECT_EQ(registry_.make("a/b"), b);
  EXPECT_TRUE(marks_of(registry_.view.container(b)).limit.unlimited()) << "nobody gave the parent a limit";
}

TEST_F(ContainerTest, SiblingsShareTheirParent) {
  const ContainerId x = registry_.make("a/x");
  const ContainerId y = registry_.make("a/y");
  ContainerId parent_of_x;
  ContainerId parent_of_y;
  ASSERT_TRUE(parent_of(registry_.view, x, parent_of_x));
  ASSERT_TRUE(parent_of(registry_.view, y, parent_of_y));
  EXPECT_EQ(parent_of_x, parent_of_y);
}

TEST_F(ContainerTest, TheDeepestAndTheLongestNameAreKeptWhole) {
  std::string deep = "d";
  for (int i = 1; i < kMaxContainerDepth; ++i) {
    deep += "/d";
  }
  const std::string part(63, 'x');
  const std::string longest = part + "/" + part + "/" + part + "/" + part;
  for (const std::string& name : {deep, longest}) {
    const ContainerId id = registry_.make(name);
    EXPECT_EQ(name_of(id), name);
    ContainerId found;
    ASSERT_TRUE(registry_.view.find(name, found));
    EXPECT_EQ(found, id);
  }
}

// The registry is everybody's: it does not rely on each caller having parsed its name.
TEST_F(ContainerTest, ABadNameMakesNothing) {
  const std::vector<std::string> bad = {
      "", "/", "a/../b", "a//b", "a b", std::string("a\0b", 3), std::string(256, 'x'), std::string(10240, 'x')};
  for (const std::string& name : bad) {
    ContainerWish wished;
    wished.name = name;
    wished.named = true;
    EXPECT_NE(wish(wished).failure, AttachFailure::kNone) << name.substr(0, 60);
    EXPECT_FALSE(exists(name)) << name.substr(0, 60);
  }
  for (const ContainerRecord& record : registry_.memory->containers) {
    ASSERT_NE(record.state.load(), ContainerRecord::kLive);
  }
}

TEST_F(ContainerTest, FindTakesAnyBytesForAName) {
  registry_.make("a");
  EXPECT_FALSE(exists(std::string_view("a\0", 2)));
  EXPECT_FALSE(exists(std::string_view("a\0\0", 3)));
  EXPECT_FALSE(exists(std::string(10240, 'a')));
  EXPECT_FALSE(exists(std::string(256, '\0')));
}

// Its name was a pid, and the pid is used again.
TEST_F(ContainerTest, AnUnnamedOneStartsAnewWhenItsLastMemberHasLeft) {
  const Marks small = {mib(16), mib(14), mib(12)};
  const ContainerId id = registry_.make("pid-40", small, false);
  const MemberId member = registry_.add_member(40, id, Pages{100});
  registry_.view.container(id).counters.failcnt.store(7);
  registry_.view.container(id).peak.store(100);
  registry_.view.book(member).release(40);
  ContainerWish again;
  again.name = "pid-40";
  again.marks = {mib(32), mib(28), mib(24)};
  const ContainerResult made = wish(again);
  ASSERT_EQ(made.failure, AttachFailure::kNone);
  EXPECT_TRUE(made.created);
  const ContainerRecord& record = registry_.view.container(made.id);
  EXPECT_EQ(record.counters.failcnt.load(), 0U);
  EXPECT_EQ(record.peak.load(), 0U);
  EXPECT_EQ(marks_of(record), again.marks);
}

// kill -9 lets nobody say goodbye.
TEST_F(ContainerTest, AnUnnamedOneStartsAnewWhenItsLastMemberWasKilled) {
  const ContainerId id = registry_.make("pid-40", {}, false);
  registry_.add_member(40, id, Pages{100});
  registry_.view.container(id).counters.failcnt.store(7);
  registry_.os.remove_process(40);
  ContainerWish again;
  again.name = "pid-40";
  const ContainerResult made = wish(again);
  ASSERT_EQ(made.failure, AttachFailure::kNone);
  EXPECT_TRUE(made.created);
  EXPECT_EQ(registry_.view.container(made.id).counters.failcnt.load(), 0U);
  EXPECT_EQ(usage_of(registry_.view, made.id), Pages::none()) << "the dead one's charge must not greet the new one";
}

TEST_F(ContainerTest, AnUnnamedOneWithALivingMemberIsShared) {
  const ContainerId id = registry_.make("pid-40", {}, false);
  registry_.add_member(40, id, Pages{100});
  registry_.view.container(id).counters.failcnt.store(7);
  ContainerWish child;
  child.name = "pid-40";
  const ContainerResult joined = wish(child);
  EXPECT_EQ(joined.id, id);
  EXPECT_FALSE(joined.created);
  EXPECT_EQ(registry_.view.container(id).counters.failcnt.load(), 7U);
}

TEST_F(ContainerTest, ANamedOneKeepsItsStatisticsWithoutMembers) {
  const ContainerId id = registry_.make("build");
  const MemberId member = registry_.add_member(40, id, Pages{100});
  registry_.view.container(id).counters.events_oom_kill.store(1);
  registry_.view.book(member).release(40);
  EXPECT_EQ(registry_.make("build"), id);
  EXPECT_EQ(registry_.view.container(id).counters.events_oom_kill.load(), 1U);
}

TEST_F(ContainerTest, IsRemovedWhenEmpty) {
  const ContainerId id = registry_.make("build");
  EXPECT_TRUE(registry_.view.remove(registry_.os, id));
  EXPECT_FALSE(exists("build"));
  EXPECT_FALSE(registry_.view.remove(registry_.os, id)) << "it is gone already";
}

TEST_F(ContainerTest, IsNotRemovedWhileItHasMembers) {
  const ContainerId id = registry_.make("build");
  const MemberId member = registry_.add_member(40, id, Pages{100});
  EXPECT_FALSE(registry_.view.remove(registry_.os, id));
  EXPECT_TRUE(exists("build"));
  registry_.view.book(member).release(40);
  EXPECT_TRUE(registry_.view.remove(registry_.os, id));
}

TEST_F(ContainerTest, IsRemovedWhenAllItsMembersAreDead) {
  const ContainerId id = registry_.make("build");
  registry_.add_member(40, id, Pages{100});
  registry_.os.remove_process(40);
  EXPECT_TRUE(registry_.view.remove(registry_.os, id));
}

TEST_F(ContainerTest, IsNotRemovedWhileItHasChildren) {
  const ContainerId child = registry_.make("a/b");
  ContainerId parent;
  ASSERT_TRUE(registry_.view.find("a", parent));
  EXPECT_FALSE(registry_.view.remove(registry_.os, parent));
  EXPECT_TRUE(exists("a"));
  EXPECT_TRUE(registry_.view.remove(registry_.os, child));
  EXPECT_TRUE(registry_.view.remove(registry_.os, parent));
}

// Killed half-way through a removal: the child is gone, its link to the parent is not.
TEST_F(ContainerTest, AChildWhoseRemovalWasCutShortDoesNotHoldItsParent) {
  const ContainerId child = registry_.make("a/b");
  ContainerId parent;
  ASSERT_TRUE(registry_.view.find("a", parent));
  registry_.view.container(child).state.store(ContainerRecord::kRemoved);
  EXPECT_FALSE(exists("a/b"));
  EXPECT_TRUE(registry_.view.remove(registry_.os, parent));
}

TEST_F(ContainerTest, APlaceUsedAgainTellsNothingOfTheLast) {
  const ContainerId first = registry_.make("a/b", {mib(16), mib(14), mib(12)});
  ContainerRecord& record = registry_.view.container(first);
  record.counters.failcnt.store(5);
  record.overshoot_peak.store(9);
  record.generation.store(3);
  ASSERT_TRUE(registry_.view.remove(registry_.os, first));
  const ContainerId again = registry_.make("a/b");
  const ContainerRecord& fresh = registry_.view.container(again);
  EXPECT_EQ(fresh.counters.failcnt.load(), 0U);
  EXPECT_EQ(fresh.overshoot_peak.load(), 0U);
  EXPECT_TRUE(marks_of(fresh).limit.unlimited());
}

}  // namespace
}  // namespace weir
