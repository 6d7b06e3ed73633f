// load_hold_test.cc - how long somebody waits: until fewer run, or there is room, or the time is up.
#include <gmock/gmock.h>

#include "tests/reclaim/members.h"

namespace weir::testing {
namespace {

constexpr std::uint64_t kStep = 10 * kMs;
constexpr std::uint64_t kIdle = LoadControl::kIdleNs;

class LoadHoldTest : public ::testing::Test {
 protected:
  LoadHoldTest() {
    members_.add(5001, 1500, 100 * kSecond);
    members_.add(5002, 1500, 50 * kSecond);
    members_.thrash();
  }
  std::uint64_t hold(const std::function<void(int)>& at_each_step = nullptr) {
    members_.run(at_each_step);
    return members_.step_back();
  }
  Members members_;
};

TEST_F(LoadHoldTest, ABoundedTimeAtMost) {
  EXPECT_EQ(hold(), LoadControl::kMostHoldNs);
}

TEST_F(LoadHoldTest, EndsAsSoonAsFewerRunThanMay) {
  EXPECT_EQ(hold([this](int step) {
              if (step == 49) {
                members_.runners.pop_back();  // that step it has run
              }
            }),
            49 * kStep + kIdle);
}

TEST_F(LoadHoldTest, WhoWaitsForTheHeldOneMakesItGoOn) {
  members_.runners.clear();  // both wait for our answer, say in a pipe
  EXPECT_EQ(hold(), kIdle);
}

TEST_F(LoadHoldTest, AnIdleMembersTickIsNoRunning) {
  members_.runners.clear();
  EXPECT_EQ(hold([this](int) { members_.os.set_process_cpu(5001, members_.os.process_cpu_ns(5001) + 400'000); }),
            kIdle);
}

TEST_F(LoadHoldTest, OffItsCoreForAMomentIsStillRunning) {
  int moved = 0;
  members_.runners.clear();
  EXPECT_EQ(hold([&](int step) {
              if (step % 5 == 0) {
                members_.os.set_process_cpu(5001, members_.os.process_cpu_ns(5001) + kMs);
                members_.os.set_process_cpu(5002, members_.os.process_cpu_ns(5002) + kMs);
                ++moved;
              }
            }),
            LoadControl::kMostHoldNs);
  EXPECT_GT(moved, 10);
}

TEST_F(LoadHoldTest, EndsWhenOneOfThemEnds) {
  EXPECT_EQ(hold([this](int step) {
              if (step == 7) {
                MemberId id;
                ASSERT_TRUE(members_.engine.view.find_member(5002, id));
                members_.engine.view.book(id).release(5002);
                members_.runners.pop_back();
              }
            }),
            7 * kStep);
}

TEST_F(LoadHoldTest, EndsWhenThereIsRoomForAllOfIt) {
  EXPECT_EQ(hold([this](int step) {
              if (step == 30) {
                members_.set_charge(5001, 3072 - 1000 - 1500);
              }
            }),
            30 * kStep);
}

TEST_F(LoadHoldTest, RoomAloneIsNotEnoughWhereItIsStrict) {
  EXPECT_EQ(hold([this](int) {
              members_.load().level.store(1);
              members_.set_charge(5001, 10);
            }),
            5 * kSecond)
      << "until it is no longer believed to thrash";
}

TEST_F(LoadHoldTest, RoomIsNeededForWhatIsPagedOutToo) {
  members_.self().swap_pages.store(1);
  EXPECT_EQ(hold([this](int step) {
              if (step == 30) {
                members_.set_charge(5001, 3072 - 1000 - 1500);
              }
            }),
            LoadControl::kMostHoldNs);
}

TEST_F(LoadHoldTest, EndsWhenLoadControlIsSwitchedOff) {
  EXPECT_EQ(hold([this](int step) {
              if (step == 30) {
                members_.container_record().load_control.store(0);
              }
            }),
            30 * kStep);
}

TEST_F(LoadHoldTest, WhereNobodyLooksWhetherItPaysTheHeldOneDoes) {
  members_.load().rate_without.store(0);
  EXPECT_LT(hold(), 1200 * kMs) << "it is tried without";
  EXPECT_EQ(members_.load().gain_without.load(), 1U);
}

TEST_F(LoadHoldTest, WhereItMayNotOpenFilesItsReclaimerLooksWhetherItPays) {
  members_.engine.many_threads.store(true);
  members_.engine.reclaimer_sleeps.store(true);
  const std::uint32_t before = members_.self().wake.load();
  EXPECT_EQ(hold(), LoadControl::kMostHoldNs);
  EXPECT_GT(members_.self().wake.load(), before + 10);
}

TEST_F(LoadHoldTest, EndsWhenItDoesNotPay) {
  EXPECT_EQ(hold([this](int step) {
              if (step == 30) {
                members_.load().gain_without.store(1);
              }
            }),
            30 * kStep);
}

TEST_F(LoadHoldTest, EndsWhenMoreMayRun) {
  members_.load().level.store(1);
  EXPECT_EQ(hold([this](int step) {
              members_.load().level.store(step < 20 ? 1 : 2);
              members_.runners = {5001};
            }),
            20 * kStep);
}

TEST_F(LoadHoldTest, WhoWasHeldFirstGoesOnFirst) {
  MemberRecord& other = members_.add(5003, 1500, 10 * kSecond);
  members_.runners = {};
  other.held_since_ns.store(members_.os.now_ns() - kSecond);
  other.turn_ns.store(1);
  EXPECT_EQ(hold([&other](int step) {
              if (step == 25) {
                other.held_since_ns.store(0);
              }
            }),
            25 * kStep);
}

TEST_F(LoadHoldTest, WhoDiedWhileItWasHeldKeepsNobodyWaiting) {
  MemberRecord& dead = members_.add(5003, 1500, 10 * kSecond);
  members_.runners = {};
  const std::uint64_t long_ago = members_.os.now_ns() - LoadControl::kMostHoldNs;
  EXPECT_EQ(hold([&](int) { dead.held_since_ns.store(long_ago); }), kIdle);
}

TEST_F(LoadHoldTest, TheReclaimerOfTheHeldOneIsWoken) {
  members_.engine.reclaimer_sleeps.store(true);
  const std::uint32_t before = members_.self().wake.load();
  hold();
  EXPECT_EQ(members_.self().wake.load(), before + 1);
}

TEST_F(LoadHoldTest, OtherThreadsOfTheProcessWaitAlong) {
  members_.load().thrash_until_ns.store(0);
  members_.self().held_since_ns.store(members_.os.now_ns());
  EXPECT_EQ(hold([this](int step) {
              if (step == 12) {
                members_.self().held_since_ns.store(0);
              }
            }),
            12 * kStep);
  EXPECT_EQ(members_.counters().held.load(), 0U) << "that was booked by the one who was held";
}

TEST_F(LoadHoldTest, ThreadsThatWaitAlongHaveTheSameBound) {
  members_.self().held_since_ns.store(members_.os.now_ns() - LoadControl::kMostHoldNs + 5 * kStep);
  EXPECT_EQ(hold(), 5 * kStep);
}

// The thread that keeps the roster does not exist in a fork child: another one has to keep it there.
TEST_F(LoadHoldTest, AForkChildOfAHeldProcessKeepsARosterOfItsOwn) {
  std::uint64_t child_held = 0;
  hold([&](int step) {
    if (step != 1) {
      return;
    }
    const MemberId parent = members_.engine.account.member();
    members_.add(6001, 1500, 0);
    MemberId child;
    ASSERT_TRUE(members_.engine.view.find_member(6001, child));
    members_.engine.account.bind(members_.engine.view, child, 6001);
    members_.self().held_since_ns.store(0);
    members_.member(6001).held_since_ns.store(members_.os.now_ns());
    child_held = members_.step_back();  // nobody's clock moves meanwhile
    members_.engine.account.bind(members_.engine.view, parent, kSelf);
  });
  EXPECT_EQ(child_held, kIdle);
}

}  // namespace
}  // namespace weir::testing
