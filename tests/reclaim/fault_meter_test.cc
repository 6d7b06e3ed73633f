// fault_meter_test.cc - two events for each thread, and which of them is listened to.
#include "reclaim/fault_meter.h"

#include <gmock/gmock.h>
#include <linux/perf_event.h>

#include <cerrno>
#include <functional>

#include "tests/reclaim/threads_os.h"

namespace weir::testing {
namespace {

// Where events can be opened: each gets a descriptor, from 100 on.
class PerfOs final : public ThreadsOs {
 public:
  SysResult perf_open(void* attributes, int) override {
    const auto* wanted = static_cast<perf_event_attr*>(attributes);
    if (opened.size() == fails_after) {
      return SysResult(-EMFILE);
    }
    opened.push_back(*wanted);
    return SysResult(100 + static_cast<long>(opened.size()) - 1);
  }
  SysResult ioctl(int fd, unsigned long request, void*) override {
    at_a_switch();
    switched.emplace_back(fd, request == PERF_EVENT_IOC_ENABLE);
    return SysResult(0);
  }
  SysResult close(int fd) override {
    closed.push_back(fd);
    return SysResult(0);
  }
  std::vector<perf_event_attr> opened;
  std::vector<std::pair<int, bool>> switched;
  std::vector<int> closed;
  std::function<void()> at_a_switch = [] {};
  std::size_t fails_after = SIZE_MAX;
};

class FaultMeterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    os_.set_thread(11, 'R', 0, 0);
    os_.set_thread(12, 'R', 0, 0);
  }
  PerfOs os_;
  FaultMeter meter_;
};

TEST_F(FaultMeterTest, ASampleTellsHowManyFaultsItStandsFor) {
  ASSERT_EQ(meter_.open(os_), 0);
  ASSERT_EQ(os_.opened.size(), 4U) << "two for each thread";
  for (const perf_event_attr& event : os_.opened) {
    EXPECT_EQ(event.sample_period, FaultMeter::period_of(event.sig_data));
    EXPECT_EQ(event.disabled, event.sample_period == FaultMeter::kFinePeriod ? 1U : 0U);
  }
}

TEST_F(FaultMeterTest, WhatOthersOpenedIsNotOurs) {
  EXPECT_EQ(FaultMeter::period_of(0), 0U);
  EXPECT_EQ(FaultMeter::period_of(FaultMeter::kCookie - 1), 0U);
  EXPECT_EQ(FaultMeter::period_of(FaultMeter::kFineCookie + 1), 0U);
}

TEST_F(FaultMeterTest, TheFineOnesAreSwitchedTogether) {
  ASSERT_EQ(meter_.open(os_), 0);
  meter_.set_fine(os_, true);
  meter_.set_fine(os_, true);
  EXPECT_TRUE(meter_.is_fine());
  EXPECT_THAT(os_.switched, ::testing::ElementsAre(std::pair(101, true), std::pair(103, true)));
  meter_.set_fine(os_, false);
  EXPECT_FALSE(meter_.is_fine());
}

TEST_F(FaultMeterTest, NoneIsWhereOneIsLacking) {
  os_.fails_after = 3;
  ASSERT_EQ(meter_.open(os_), 0) << "the coarse ones are there";
  meter_.set_fine(os_, true);
  EXPECT_FALSE(meter_.is_fine());
  EXPECT_TRUE(os_.switched.empty());
}

TEST_F(FaultMeterTest, AChildAfterForkHasNothingOfIts) {
  os_.fails_after = 3;
  ASSERT_EQ(meter_.open(os_), 0);
  meter_.forget();
  EXPECT_FALSE(meter_.is_open());
  EXPECT_FALSE(meter_.is_fine());
  os_.fails_after = SIZE_MAX;
  ASSERT_EQ(meter_.open(os_), 0);
  meter_.set_fine(os_, true);
  EXPECT_THAT(os_.switched, ::testing::ElementsAre(std::pair(104, true), std::pair(106, true))) << "its own alone";
  os_.closed.clear();
  meter_.close(os_);
  EXPECT_THAT(os_.closed, ::testing::ElementsAre(103, 104, 105, 106));
}

TEST_F(FaultMeterTest, CoarseSamplesCountUntilTheFineOnesAreOnAndAsSoonAsTheyEnd) {
  ASSERT_EQ(meter_.open(os_), 0);
  os_.at_a_switch = [this] { EXPECT_FALSE(meter_.is_fine()); };
  meter_.set_fine(os_, true);
  meter_.set_fine(os_, false);
  EXPECT_EQ(os_.switched.size(), 4U);
}

TEST_F(FaultMeterTest, OpenedAnewItMayBeFineAgain) {
  os_.fails_after = 3;
  ASSERT_EQ(meter_.open(os_), 0);
  meter_.close(os_);
  os_.fails_after = SIZE_MAX;
  ASSERT_EQ(meter_.open(os_), 0);
  meter_.set_fine(os_, true);
  EXPECT_TRUE(meter_.is_fine());
}

}  // namespace
}  // namespace weir::testing
