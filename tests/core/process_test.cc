// process_test.cc - the registry among real processes: racing makers, and members killed at any instruction.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <random>
#include <set>
#include <string>

#include "core/parse.h"
#include "core/registry.h"
#include "core/usage.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::children_for;
using testing::start_child;
using testing::TempDirectory;
using testing::wait_for;

// Memory that the test shares with its children.
template <typename T>
class Shared {
 public:
  Shared()
      : value_(static_cast<T*>(mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Shared() {
    munmap(static_cast<void*>(value_), sizeof(T));
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T* operator->() const {
    return value_;
  }

 private:
  T* value_;
};

struct RaceResults {
  std::atomic<int> ready;
  std::atomic<bool> go;
  std::atomic<int> created;
  std::atomic<int> failed;
  std::atomic<std::uint32_t> ids[8];
};

// Opens the registry, maybe makes it, and then the container, all at the same time as seven others.
int race(const std::string& directory, RaceResults& results, int number) {
  ++results.ready;
  while (!results.go) {
    sched_yield();
  }
  RegistryView view;
  ContainerWish wish;
  wish.name = "race/child";
  wish.named = true;
  if (view.open(raw_os(), directory.c_str(), true) != OpenFailure::kNone) {
    ++results.failed;
    return 1;
  }
  const ContainerResult made = view.find_or_make(raw_os(), wish);
  results.failed += made.failure != AttachFailure::kNone ? 1 : 0;
  results.created += made.created ? 1 : 0;
  results.ids[number] = made.id.index;
  return 0;
}

TEST(ProcessTest, EightMakersOfOneContainerGetTheSameOne) {
  WEIR_SKIP_UNDER_TSAN();
  for (int round = 0; round < children_for(20); ++round) {
    const TempDirectory top;
    Shared<RaceResults> results;
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
      children.push_back(start_child([&] { return race(top / "weir", *results.operator->(), i); }));
    }
    while (results->ready < 8) {
      usleep(100);
    }
    results->go = true;
    for (const pid_t child : children) {
      ASSERT_EQ(wait_for(child), 0);
    }
    EXPECT_EQ(results->failed, 0);
    EXPECT_EQ(results->created, 1);
    for (const auto& id : results->ids) {
      EXPECT_EQ(id, results->ids[0]);
    }
  }
}

class StormTest : public ::testing::Test {
 protected:
  static constexpr int kAtOnce = 4;

  void SetUp() override {
    WEIR_SKIP_UNDER_TSAN();
    ASSERT_EQ(view_.open(raw_os(), (top_ / "weir").c_str(), true), OpenFailure::kNone);
  }
  void TearDown() override {
    for (const pid_t child : children_) {
      kill(child, SIGKILL);
      wait_for(child);
    }
    view_.close(raw_os());
  }
  // Starts `count` children one after the other, lets kAtOnce of them run at any time, and kills
  // one at random some hundreds of microseconds after the last one was started.
  template <typename Body>
  void storm(int count, const Body& body) {
    for (int i = 0; i < count; ++i) {
      children_.push_back(start_child([&] {
        for (unsigned step = 0;; ++step) {
          body(static_cast<unsigned>(i), step);
          if (step % 16 == 0) {
            usleep(50);  // a storm, and not a test of the scheduler
          }
        }
        return 0;
      }));
      usleep(static_cast<useconds_t>(random_() % 1500));
      if (children_.size() > kAtOnce) {
        kill_one(random_() % children_.size());
      }
    }
    while (!children_.empty()) {
      kill_one(0);
    }
  }
  void kill_one(std::size_t which) {
    kill(children_[which], SIGKILL);
    ASSERT_EQ(wait_for(children_[which]), 128 + SIGKILL);
    children_.erase(children_.begin() + static_cast<long>(which));
  }
  ContainerResult make(const std::string& name, bool named) {
    ContainerWish wish;
    wish.name = name;
    wish.named = named;
    return view_.find_or_make(raw_os(), wish);
  }
  int places_taken() {
    int taken = 0;
    for (std::uint32_t i = 0; i < kMaxMembers; ++i) {
      taken += view_.book(MemberId{i}).load().packed() != 0 ? 1 : 0;
    }
    return taken;
  }

  TempDirectory top_;
  RegistryView view_;
  std::vector<pid_t> children_;
  std::mt19937 random_{20071126};
};

TEST_F(StormTest, AThousandKilledMembersLeaveNoChargeAndNoPlaceBehind) {
  const ContainerId home = make("home/inner", true).id;
  ContainerId top;
  ASSERT_TRUE(view_.find("home", top));
  // A member that lives on through it all, with a charge that is known.
  AttachResult survivor = view_.attach(raw_os(), static_cast<std::uint32_t>(getpid()), home);
  ASSERT_EQ(survivor.failure, AttachFailure::kNone);
  ASSERT_TRUE(view_.book(survivor.id).set_charge(static_cast<std::uint32_t>(getpid()), Pages{12345}));
  storm(children_for(1000), [&](unsigned, unsigned step) {
    const auto pid = static_cast<std::uint32_t>(getpid());
    const AttachResult mine = view_.attach(raw_os(), pid, step % 2 == 0 ? home : top);
    view_.book(mine.id).set_charge(pid, Pages{1 + step % 1000});
    if (step % 7 == 0) {
      view_.book(mine.id).release(pid);
    }
  });
  reap_dead(raw_os(), view_);
  EXPECT_EQ(usage_of(view_, top), Pages{12345});
  EXPECT_EQ(usage_of(view_, home), Pages{12345});
  EXPECT_EQ(members_of(view_, home), 1U);
  EXPECT_EQ(places_taken(), 1);
}

// The lock on the file dies with its holder, wherever in the table it was.
TEST_F(StormTest, KilledMakersAndRemoversLeaveATableThatWorks) {
  storm(children_for(300), [&](unsigned child, unsigned step) {
    const std::string name = "c" + std::to_string((child * 7 + step) % 40) + (step % 3 == 0 ? "/sub" : "");
    const ContainerResult made = make(name, true);
    if (step % 2 == 0 && made.failure == AttachFailure::kNone) {
      view_.remove(raw_os(), made.id);
    }
  });
  std::set<std::string> live;
  for (std::uint32_t i = 0; i < kMaxContainers; ++i) {
    const ContainerRecord& record = view_.container(ContainerId{i});
    if (record.state.load() != ContainerRecord::kLive) {
      continue;
    }
    ASSERT_TRUE(parse_name(record.name).ok()) << "place " << i << " has half a name";
    EXPECT_TRUE(live.insert(record.name).second) << record.name << " stands twice in the table";
    ContainerId found;
    ASSERT_TRUE(view_.find(record.name, found)) << record.name;
    EXPECT_EQ(found.index, i);
  }
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(make("c" + std::to_string(i) + "/sub", true).failure, AttachFailure::kNone) << i;
  }
}

TEST_F(StormTest, ReapersAndNewcomersAtOnceLoseNobody) {
  const ContainerId home = make("home", true).id;
  const pid_t reaper = start_child([&] {
    for (;;) {
      reap_dead(raw_os(), view_);
    }
    return 0;
  });
  int lost = 0;
  for (int i = 0; i < children_for(300); ++i) {
    lost += wait_for(start_child([&] {
      const auto pid = static_cast<std::uint32_t>(getpid());
      const AttachResult mine = view_.attach(raw_os(), pid, home);
      usleep(200);
      const bool kept = mine.failure == AttachFailure::kNone && view_.book(mine.id).set_charge(pid, Pages{5});
      return kept ? 0 : 1;
    }));
  }
  EXPECT_EQ(lost, 0) << "living members were taken for dead ones";
  kill(reaper, SIGKILL);
  wait_for(reaper);
  reap_dead(raw_os(), view_);
  EXPECT_EQ(places_taken(), 0);
}

// A maker of the registry itself may be killed at any moment too.
TEST(ProcessTest, KilledMakersOfTheRegistryLeaveItUsable) {
  WEIR_SKIP_UNDER_TSAN();
  std::mt19937 random(20080718);
  for (int round = 0; round < children_for(200); ++round) {
    const TempDirectory top;
    const std::string directory = top / "weir";
    const pid_t maker = start_child([&] {
      RegistryView view;
      return view.open(raw_os(), directory.c_str(), true) == OpenFailure::kNone ? 0 : 1;
    });
    usleep(static_cast<useconds_t>(random() % 1500));
    kill(maker, SIGKILL);
    wait_for(maker);
    RegistryView view;
    ASSERT_EQ(view.open(raw_os(), directory.c_str(), true), OpenFailure::kNone) << "round " << round;
    view.close(raw_os());
  }
}

}  // namespace
}  // namespace weir
