// container_table_test.cc - the table of containers under load: full, with removed places between, and against a model.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "core/registry.h"
#include "core/usage.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::MemoryRegistry;

std::string numbered(int n) {
  return "c" + std::to_string(n);
}

// Every container has a member, so that none may be taken for another.
class FullTableTest : public ::testing::Test {
 protected:
  ContainerId fill_one(const std::string& name, bool named = true) {
    const ContainerId id = registry_.make(name, {}, named);
    if (id.index < kMaxContainers) {
      registry_.add_member(next_pid_++, id, Pages{1});
    }
    return id;
  }
  AttachFailure failure_of(std::string_view name) {
    ContainerWish wish;
    wish.name = name;
    wish.named = true;
    return registry_.view.find_or_make(registry_.os, wish).failure;
  }
  bool exists(std::string_view name) {
    ContainerId ignored;
    return registry_.view.find(name, ignored);
  }

  MemoryRegistry registry_;
  int next_pid_ = 1;
};

TEST_F(FullTableTest, Holds1024ContainersAndRefusesOneMore) {
  std::set<std::uint32_t> places;
  for (int i = 0; i < 1024; ++i) {
    places.insert(fill_one(numbered(i)).index);
  }
  EXPECT_EQ(places.size(), 1024U);
  EXPECT_EQ(*places.rbegin(), 1023U);
  EXPECT_EQ(failure_of("one-more"), AttachFailure::kNoContainerPlace);
  EXPECT_FALSE(exists("one-more"));
  for (int i = 0; i < 1024; ++i) {
    ASSERT_TRUE(exists(numbered(i))) << i;
  }
}

TEST_F(FullTableTest, APlaceBecomesFreeWhenItsMembersDie) {
  for (int i = 0; i < 1024; ++i) {
    fill_one(numbered(i));
  }
  registry_.os.remove_process(500);
  EXPECT_EQ(failure_of("one-more"), AttachFailure::kNone);
  EXPECT_TRUE(exists("one-more"));
  EXPECT_FALSE(exists(numbered(499)));
}

TEST_F(FullTableTest, UnnamedEmptyOnesGoBeforeNamedEmptyOnes) {
  for (int i = 0; i < 1022; ++i) {
    fill_one(numbered(i));
  }
  registry_.make("named-empty");
  registry_.make("pid-9999", {}, false);
  EXPECT_EQ(failure_of("one-more"), AttachFailure::kNone);
  EXPECT_TRUE(exists("named-empty"));
  EXPECT_FALSE(exists("pid-9999"));
  fill_one("one-more");
  EXPECT_EQ(failure_of("yet-one"), AttachFailure::kNone);
  EXPECT_FALSE(exists("named-empty"));
}

// The last place goes to the parent, who must not be driven out again for its own child.
TEST_F(FullTableTest, RoomForAParentOnlyMakesNoChild) {
  for (int i = 0; i < 1023; ++i) {
    fill_one(numbered(i));
  }
  EXPECT_EQ(failure_of("p/c"), AttachFailure::kNoContainerPlace);
  EXPECT_FALSE(exists("p/c"));
  for (std::uint32_t i = 0; i < kMaxContainers; ++i) {
    ContainerId parent;
    EXPECT_FALSE(parent_of(registry_.view, ContainerId{i}, parent)) << "container " << i << " got a parent";
  }
}

TEST_F(FullTableTest, WhenFullADeepNameIsRefusedAndWhatExistsIsFound) {
  for (int i = 0; i < 1023; ++i) {
    fill_one(numbered(i));
  }
  fill_one("last");
  EXPECT_EQ(failure_of("a/b/c/d"), AttachFailure::kNoContainerPlace);
  EXPECT_EQ(failure_of(numbered(0)), AttachFailure::kNone);
}

TEST_F(FullTableTest, ManyGenerationsOfUnnamedContainersNeedNoMorePlaces) {
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "pid-" + std::to_string(i + 1);
    const ContainerId id = registry_.make(name, {}, false);
    ASSERT_LT(id.index, kMaxContainers) << i;
    const MemberId member = registry_.add_member(i + 1, id, Pages{1});
    registry_.view.book(member).release(static_cast<std::uint32_t>(i + 1));
    registry_.os.remove_process(i + 1);
  }
}

// Names share places by their hash; removing one must not hide those that stepped aside for it.
class ContainerModelTest : public ::testing::TestWithParam<unsigned> {
 protected:
  void make_or_find(const std::string& name) {
    const ContainerId id = registry_.make(name);
    ASSERT_LT(id.index, kMaxContainers) << name;
    if (const auto known = model_.find(name); known != model_.end()) {
      ASSERT_EQ(known->second, id.index) << name << " moved";
    }
    model_[name] = id.index;
  }
  void remove(const std::string& name) {
    ContainerId id;
    ASSERT_EQ(registry_.view.find(name, id), model_.contains(name)) << name;
    if (model_.contains(name)) {
      ASSERT_TRUE(registry_.view.remove(registry_.os, id)) << name;
      model_.erase(name);
    }
  }
  void check(int names) {
    std::set<std::uint32_t> places;
    for (int i = 0; i < names; ++i) {
      const std::string name = numbered(i);
      ContainerId id;
      ASSERT_EQ(registry_.view.find(name, id), model_.contains(name)) << name;
      if (model_.contains(name)) {
        ASSERT_EQ(id.index, model_[name]) << name;
        ASSERT_TRUE(places.insert(id.index).second) << name << " shares its place";
      }
    }
  }

  MemoryRegistry registry_;
  std::map<std::string, std::uint32_t> model_;
};

TEST_P(ContainerModelTest, RemovingOneHidesNoOther) {
  constexpr int kNames = 1000;
  std::mt19937 random(GetParam());
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 1200; ++i) {
      const std::string name = numbered(static_cast<int>(random() % kNames));
      random() % 5 < 3 ? make_or_find(name) : remove(name);
    }
    check(kNames);
    if (HasFatalFailure()) {
      return;
    }
  }
}

TEST_P(ContainerModelTest, AfterAllAreRemovedThePlacesAreAsNew) {
  std::mt19937 random(GetParam());
  for (int i = 0; i < 1024; ++i) {
    make_or_find(numbered(i));
  }
  while (!model_.empty()) {
    auto victim = model_.begin();
    std::advance(victim, static_cast<long>(random() % model_.size()));
    remove(std::string(victim->first));
  }
  for (int i = 1024; i < 2048; ++i) {
    make_or_find(numbered(i));
  }
  check(2048);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ContainerModelTest, ::testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace weir
