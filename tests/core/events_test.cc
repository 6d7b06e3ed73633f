// events_test.cc - the ring of events: in order, whole, and honest about what it lost.
#include "core/events.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "core/event_words.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::MemoryRegistry;

class EventsTest : public ::testing::Test {
 protected:
  void post(std::uint64_t value, std::string_view text = "text") {
    post_event(registry_.os, registry_.view, {EventKind::kLimitMet, home_, 42, {value, value + 1}, text});
  }
  std::vector<Event> read_all() {
    std::vector<Event> events;
    for (Event event; read_event(registry_.view, next_, event, missed_);) {
      events.push_back(event);
    }
    return events;
  }

  MemoryRegistry registry_;
  ContainerId home_ = registry_.make("home");
  std::uint64_t next_ = 0;
  std::uint64_t missed_ = 0;
};

TEST_F(EventsTest, AnEmptyRingHasNone) {
  EXPECT_TRUE(read_all().empty());
  EXPECT_EQ(missed_, 0U);
  EXPECT_EQ(oldest_event(registry_.view), 0U);
}

TEST_F(EventsTest, AnEventComesBackAsItWasPosted) {
  post_event(registry_.os, registry_.view,
             {EventKind::kOomKill, home_, 4711, {1, UINT64_MAX}, "usage 17 MiB, limit 16 MiB"});
  const std::vector<Event> events = read_all();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].number, 0U);
  EXPECT_EQ(events[0].wall_ns, registry_.os.wall_ns());
  EXPECT_EQ(events[0].kind, EventKind::kOomKill);
  EXPECT_EQ(events[0].container, home_);
  EXPECT_EQ(events[0].pid, 4711U);
  EXPECT_EQ(events[0].value[0], 1U);
  EXPECT_EQ(events[0].value[1], UINT64_MAX);
  EXPECT_STREQ(events[0].container_name, "home");
  EXPECT_STREQ(events[0].text, "usage 17 MiB, limit 16 MiB");
}

TEST_F(EventsTest, WhatWasSaidOfLateIsKnown) {
  const auto said = [&](ContainerId id, std::string_view text) {
    return was_posted_of_late(registry_.view, {EventKind::kLimitMet, id, 1, {}, text});
  };
  EXPECT_FALSE(said(home_, "same"));
  const std::string long_text(300, 'x');
  post(1, "same");
  post(2, long_text);
  EXPECT_TRUE(said(home_, "same"));
  EXPECT_TRUE(said(home_, long_text));
  EXPECT_FALSE(said(home_, "other"));
  EXPECT_FALSE(said(registry_.make("elsewhere"), "same"));
  for (int i = 0; i < 256; ++i) {
    post(3);
  }
  EXPECT_FALSE(said(home_, "same")) << "long ago";
}

TEST_F(EventsTest, EventsComeInTheirOrderAndOnce) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    post(i);
  }
  const std::vector<Event> events = read_all();
  ASSERT_EQ(events.size(), 100U);
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(events[i].number, i);
    EXPECT_EQ(events[i].value[0], i);
  }
  EXPECT_TRUE(read_all().empty());
  post(100);
  EXPECT_EQ(read_all().size(), 1U);
  EXPECT_EQ(missed_, 0U);
}

TEST_F(EventsTest, AfterAWrapTheOverwrittenAreCountedAsMissed) {
  for (std::uint64_t i = 0; i < kMaxEvents + 100; ++i) {
    post(i);
  }
  EXPECT_EQ(oldest_event(registry_.view), 100U);
  const std::vector<Event> events = read_all();
  ASSERT_EQ(events.size(), kMaxEvents);
  EXPECT_EQ(missed_, 100U);
  EXPECT_EQ(events.front().value[0], 100U);
  EXPECT_EQ(events.back().value[0], kMaxEvents + 99U);
}

TEST_F(EventsTest, AReaderThatKeepsUpMissesNothingOverManyWraps) {
  std::uint64_t expected = 0;
  for (std::uint64_t i = 0; i < 3 * kMaxEvents; ++i) {
    post(i);
    if (i % 1000 == 999) {
      for (const Event& event : read_all()) {
        ASSERT_EQ(event.value[0], expected++);
      }
    }
  }
  EXPECT_EQ(missed_, 0U);
}

TEST_F(EventsTest, AFullRingWithoutAWrapIsReadWhole) {
  for (std::uint64_t i = 0; i < kMaxEvents; ++i) {
    post(i);
  }
  EXPECT_EQ(read_all().size(), kMaxEvents);
  EXPECT_EQ(missed_, 0U);
}

// Its writer was killed half-way.
TEST_F(EventsTest, ATornRecordIsSkippedAndCounted) {
  for (std::uint64_t i = 0; i < 5; ++i) {
    post(i);
  }
  registry_.memory->events[2].sequence.store(0);
  const std::vector<Event> events = read_all();
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(missed_, 1U);
  EXPECT_EQ(events[2].value[0], 3U);
}

TEST_F(EventsTest, ATornRecordAtTheEndDoesNotHangTheReader) {
  post(0);
  registry_.memory->header.next_event.fetch_add(1);  // number taken, nothing written
  EXPECT_EQ(read_all().size(), 1U);
  EXPECT_EQ(missed_, 1U);
  post(2);
  EXPECT_EQ(read_all().size(), 1U);
}

TEST_F(EventsTest, ANumberFromARingThatWasLongerGivesNothing) {
  post(0);
  next_ = 1000;
  EXPECT_TRUE(read_all().empty());
  EXPECT_EQ(missed_, 0U);
}

TEST_F(EventsTest, LongTextsAreCutNotSpilled) {
  post(0, std::string(1000, 'x'));
  post(1, "next");
  const std::vector<Event> events = read_all();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(std::string(events[0].text), std::string(124, 'x') + "...");
  EXPECT_STREQ(events[1].text, "next");
}

TEST_F(EventsTest, AShortTextHasNoTailOfTheLongOneBefore) {
  for (std::uint64_t i = 0; i < kMaxEvents; ++i) {
    post(i, std::string(127, 'x'));
  }
  post(kMaxEvents, "short");
  next_ = kMaxEvents;
  EXPECT_STREQ(read_all().back().text, "short");
}

TEST_F(EventsTest, OfALongNameTheEndIsKept) {
  const std::string part(60, 'p');
  const std::string name = part + "/" + part + "/the-end";
  home_ = registry_.make(name);
  post(0);
  const std::string kept = read_all().at(0).container_name;
  EXPECT_EQ(kept.size(), 63U);
  EXPECT_EQ(kept, name.substr(name.size() - 63));
}

TEST_F(EventsTest, AnEventOutlivesItsContainer) {
  post(7);
  ASSERT_TRUE(registry_.view.remove(registry_.os, home_));
  EXPECT_STREQ(read_all().at(0).container_name, "home");
}

TEST_F(EventsTest, RubbishInTheRingIsReadWithoutHarm) {
  post(0);
  EventRecord& record = registry_.memory->events[0];
  std::memset(record.container_name, 'x', sizeof(record.container_name));
  std::memset(record.text, 'y', sizeof(record.text));
  record.kind.store(999);
  record.container.store(UINT32_MAX);
  const Event event = read_all().at(0);
  EXPECT_EQ(std::string(event.container_name).size(), 63U);
  EXPECT_EQ(std::string(event.text).size(), 127U);
  EXPECT_LT(event.container.index, kMaxContainers);
  EXPECT_STREQ(to_string(event.kind), "unknown");
}

TEST(EventWordsTest, EachKindHasANameOfItsOwn) {
  std::set<std::string> names;
  for (auto kind = static_cast<std::uint32_t>(EventKind::kNone); kind <= static_cast<std::uint32_t>(EventKind::kMute);
       ++kind) {
    names.insert(to_string(static_cast<EventKind>(kind)));
  }
  EXPECT_EQ(names.count("unknown"), 0U);
  EXPECT_EQ(names.size(), static_cast<std::size_t>(EventKind::kMute) + 1);
}

TEST(EventWordsTest, NumbersAreNamed) {
  EXPECT_EQ(number_names(EventKind::kReclaim).name[0], "asked");
  EXPECT_EQ(number_names(EventKind::kReclaim).name[1], "given_back");
  EXPECT_EQ(number_names(EventKind::kDump).name[0], "");
}

TEST_F(EventsTest, RubbishInTheCountEndsAllTheSame) {
  post(0);
  for (const std::uint64_t rubbish : {UINT64_MAX, UINT64_MAX - 5, std::uint64_t{1} << 63}) {
    registry_.memory->header.next_event.store(rubbish);
    next_ = 0;
    EXPECT_LE(read_all().size(), kMaxEvents);
  }
}

TEST(EventNamesTest, EveryKindHasANameOfItsOwn) {
  std::set<std::string> names;
  for (std::uint32_t i = 0; i <= static_cast<std::uint32_t>(EventKind::kDump); ++i) {
    names.insert(to_string(static_cast<EventKind>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(EventKind::kDump) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(EventNamesTest, EveryReasonAndMeterHasANameOfItsOwn) {
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    names.insert(to_string(static_cast<StayReason>(i)));
  }
  EXPECT_EQ(names.size(), kStayReasons);
  for (const Meter meter : {Meter::kOff, Meter::kPerf, Meter::kFallback}) {
    names.insert(to_string(meter));
  }
  EXPECT_EQ(names.size(), kStayReasons + 3);
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_STREQ(to_string(static_cast<Meter>(77)), "unknown");
  EXPECT_STREQ(to_string(static_cast<StayReason>(77)), "unknown");
}

// Several processes write while one reads: what is read is whole, and all is accounted for.
TEST(EventProcessesTest, WritersAndAReaderAtOnceTearNothing) {
  WEIR_SKIP_UNDER_TSAN();
  constexpr int kWriters = 3;
  constexpr std::uint64_t kEach = 20000;
  const testing::TempDirectory top;
  RegistryView view;
  ASSERT_EQ(view.open(raw_os(), top.path().c_str(), true), OpenFailure::kNone);
  std::vector<pid_t> writers;
  for (std::uint32_t w = 0; w < kWriters; ++w) {
    writers.push_back(testing::start_child([&] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const std::string text = std::to_string(w) + ":" + std::to_string(i);
        post_event(raw_os(), view, {EventKind::kSet, ContainerId{0}, w, {i, i * 3}, text});
      }
      return 0;
    }));
  }
  std::uint64_t next = 0;
  std::uint64_t missed = 0;
  std::uint64_t seen = 0;
  while (seen + missed < kWriters * kEach) {
    Event event;
    if (!read_event(view, next, event, missed)) {
      sched_yield();
      continue;
    }
    ++seen;
    ASSERT_EQ(event.value[1], event.value[0] * 3);
    ASSERT_EQ(std::string(event.text), std::to_string(event.pid) + ":" + std::to_string(event.value[0]));
  }
  EXPECT_GT(seen, 0U);
  for (const pid_t writer : writers) {
    EXPECT_EQ(testing::wait_for(writer), 0);
  }
  view.close(raw_os());
}

}  // namespace
}  // namespace weir
