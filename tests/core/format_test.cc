// format_test.cc - statistics as text and JSON, read back: every key, every unit, and hostile names made harmless.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "core/stats.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::MemoryRegistry;
using testing::mib;
using ::testing::Not;
using testing::StringSink;

const std::vector<std::string>& hostile_names() {
  static const std::vector<std::string> names = {
      "\"",          "\\",   "a\"b\\c", "\n",        "a\nusage 0", "\x1b[31mred", "\x01\x02\x7f", "\xff\xfe\x80",
      "caf\xc3\xa9", "\xc3", "{}[],:",  "</script>", " ",          "%s%n",        "a\tb\r"};
  return names;
}

class FormatTest : public ::testing::Test {
 protected:
  std::string format(DumpFormat how) {
    const ContainerStats stats = container_stats(registry_.os, registry_.view, home_, Look::kBooks);
    StringSink sink;
    format_stats(registry_.view, home_, stats, how, sink);
    return sink.text();
  }
  json as_json() {
    return json::parse(format(DumpFormat::kJson));
  }
  // The lines of the text format: key, and what stands behind it.
  std::map<std::string, std::string> as_text() {
    std::map<std::string, std::string> rows;
    std::istringstream lines(format(DumpFormat::kText));
    for (std::string line; std::getline(lines, line);) {
      const std::size_t blank = line.find(' ');
      const std::size_t value = line.find_first_not_of(' ', blank);
      rows[line.substr(0, blank)] = value == std::string::npos ? "" : line.substr(value);
    }
    return rows;
  }
  void add(int pid, Pages charge, const std::string& comm, Pages swap = Pages::none()) {
    const MemberId id = registry_.add_member(pid, home_, charge);
    MemberRecord& record = registry_.view.member(id);
    std::memset(record.comm, 0, sizeof(record.comm));
    std::memcpy(record.comm, comm.data(), std::min(comm.size(), sizeof(record.comm)));
    record.swap_pages.store(swap.count);
  }
  ContainerRecord& record() {
    return registry_.view.container(home_);
  }

  MemoryRegistry registry_;
  ContainerId home_ = registry_.make("build/cc", {mib(64), mib(56), mib(48)});
};

TEST_F(FormatTest, JsonHasEveryRowInItsUnit) {
  add(11, Pages{3}, "tail", Pages{2});
  record().counters.failcnt.store(7);
  record().counters.allocstall_ns.store(1'234'567);
  record().counters.evict_done.store(5);
  const json stats = as_json();
  EXPECT_EQ(stats["container"], "build/cc");
  EXPECT_EQ(stats["usage"], 3 * 4096);
  EXPECT_EQ(stats["swap_usage"], 2 * 4096);
  EXPECT_EQ(stats["limit"], 64 * kMiB);
  EXPECT_EQ(stats["high_watermark"], 56 * kMiB);
  EXPECT_EQ(stats["low_watermark"], 48 * kMiB);
  EXPECT_EQ(stats["failcnt"], 7);
  EXPECT_EQ(stats["allocstall_us"], 1234);
  EXPECT_EQ(stats["evict_done"], 5 * 4096);
  std::size_t count = 0;
  const StatRow* rows = stat_rows(&count);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(stats.contains(rows[i].key)) << rows[i].key;
    const json& value = stats[rows[i].key];
    const bool is_members = std::string(rows[i].key) == "members";
    EXPECT_TRUE(is_members ? value.is_array() : value.is_number_unsigned() || value.is_null()) << rows[i].key;
  }
}

TEST_F(FormatTest, JsonIsOneLineWithoutAKeyTwice) {
  const std::string text = format(DumpFormat::kJson);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.back(), '\n');
  std::map<std::string, int> seen;
  const json parsed_whole = json::parse(text, [&](int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::key && depth == 1) {
      ++seen[parsed.get<std::string>()];
    }
    return true;
  });
  EXPECT_EQ(parsed_whole.size(), seen.size());
  for (const auto& [key, times] : seen) {
    EXPECT_EQ(times, 1) << key;
  }
}

TEST_F(FormatTest, JsonTellsNoLimitAsNull) {
  home_ = registry_.make("free");
  const json stats = as_json();
  for (const char* key : {"limit", "high_watermark", "low_watermark", "swap_limit"}) {
    EXPECT_TRUE(stats[key].is_null()) << key;
  }
  EXPECT_EQ(stats["usage"], 0);
}

TEST_F(FormatTest, JsonHasTheWordsBesideTheNumbers) {
  record().oom_policy.store(static_cast<std::uint32_t>(OomPolicy::kEnomem));
  record().background.store(0);
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    record().counters.evict_stayed[i].store(i + 1);
  }
  const json stats = as_json();
  EXPECT_EQ(stats["oom"], "enomem");
  EXPECT_EQ(stats["background"], false);
  EXPECT_EQ(stats["meter"], "off");
  const json& stayed = stats["evict_stayed"];
  ASSERT_EQ(stayed.size(), kStayReasons);
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    EXPECT_EQ(stayed[to_string(static_cast<StayReason>(i))], (i + 1) * 4096);
  }
}

TEST_F(FormatTest, HowLongMembersWereHeldIsToldOfThemAndOfTheContainer) {
  add(11, Pages{3}, "tail");
  MemberId id;
  ASSERT_TRUE(registry_.view.find_member(11, id));
  registry_.view.member(id).held_ns.store(2'500'999);
  record().counters.held.store(3);
  record().counters.held_ns.store(4'000'999);
  EXPECT_EQ(as_json()["held"], 3);
  EXPECT_EQ(as_json()["held_us"], 4000);
  EXPECT_EQ(as_json()["members"][0]["held_us"], 2500);
  EXPECT_EQ(as_text().at("held"), "3");
  EXPECT_EQ(as_text().at("held_us"), "4000");
}

TEST_F(FormatTest, WhetherWatermarksMoveIsTold) {
  EXPECT_EQ(as_json()["adaptive_watermarks"], false);
  EXPECT_EQ(as_text().at("watermarks"), "fixed");
  record().adaptive.store(1);
  EXPECT_EQ(as_json()["adaptive_watermarks"], true);
  EXPECT_EQ(as_text().at("watermarks"), "adaptive");
}

TEST_F(FormatTest, WhetherMembersTakeTurnsIsTold) {
  EXPECT_EQ(as_json()["load_control"], true);
  EXPECT_EQ(as_text().at("load_control"), "on");
  record().load_control.store(0);
  EXPECT_EQ(as_json()["load_control"], false);
  EXPECT_EQ(as_text().at("load_control"), "off");
}

TEST_F(FormatTest, ThePressureToStayBelowIsTold) {
  EXPECT_TRUE(as_json()["proactive"].is_null());
  EXPECT_EQ(as_text().at("proactive"), "off");
  record().proactive.store(10);
  EXPECT_EQ(as_json()["proactive"], 0.1);
  EXPECT_EQ(as_text().at("proactive"), "0.10");
}

TEST_F(FormatTest, APauseIsShownWithItsSeconds) {
  record().oom_policy.store(static_cast<std::uint32_t>(OomPolicy::kPause));
  record().oom_pause_seconds.store(30);
  EXPECT_EQ(as_text().at("oom"), "pause:30");
  EXPECT_EQ(as_json()["oom"], "pause:30");
}

TEST_F(FormatTest, TimeToThrashIsShownAsItIsSet) {
  record().thrash_seconds.store(0);
  EXPECT_EQ(as_json()["thrash"], "off");
  record().thrash_seconds.store(60);
  EXPECT_EQ(as_text().at("thrash"), "60");
  record().thrash_is_oom.store(1);
  EXPECT_EQ(as_text().at("thrash"), "60:oom");
  EXPECT_EQ(as_json()["thrash"], "60:oom");
}

TEST_F(FormatTest, JsonListsTheMembers) {
  EXPECT_TRUE(as_json()["members"].empty());
  add(11, Pages{3}, "tail", Pages{2});
  add(12, Pages{4}, "dd");
  const json members = as_json()["members"];
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0]["pid"], 11);
  EXPECT_EQ(members[0]["comm"], "tail");
  EXPECT_EQ(members[0]["usage"], 3 * 4096);
  EXPECT_EQ(members[0]["swap_usage"], 2 * 4096);
  EXPECT_EQ(members[0]["meter"], "off");
  EXPECT_EQ(members[1]["pid"], 12);
}

TEST_F(FormatTest, JsonSurvivesHostileNames) {
  int pid = 100;
  for (const std::string& name : hostile_names()) {
    add(pid++, Pages{1}, name);
  }
  const std::string text = format(DumpFormat::kJson);
  const json members = json::parse(text)["members"];
  ASSERT_EQ(members.size(), hostile_names().size());
  EXPECT_EQ(members[2]["comm"], "a\"b\\c");
  EXPECT_EQ(members[10]["comm"], "{}[],:");
  for (const char c : text.substr(0, text.size() - 1)) {
    ASSERT_TRUE(c >= 0x20 && c < 0x7f) << "byte " << static_cast<int>(c);
  }
}

TEST_F(FormatTest, JsonOfAThousandMembersIsWhole) {
  for (int pid = 1; pid <= 1000; ++pid) {
    add(pid, Pages::all(), "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"", Pages::all());
  }
  EXPECT_EQ(as_json()["members"].size(), 1000U);
}

TEST_F(FormatTest, JsonOfTheLongestNameIsWhole) {
  const std::string part(63, 'x');
  home_ = registry_.make(part + "/" + part + "/" + part + "/" + part);
  EXPECT_EQ(as_json()["container"], part + "/" + part + "/" + part + "/" + part);
}

TEST_F(FormatTest, TextHasEveryRowAndAHumanFigureBeside) {
  add(11, Pages{4224}, "tail");
  const auto rows = as_text();
  EXPECT_EQ(rows.at("container"), "build/cc");
  EXPECT_EQ(rows.at("usage"), "17301504  (16.5 MiB)");
  EXPECT_EQ(rows.at("failcnt"), "0");
  EXPECT_EQ(rows.at("members"), "1");
  std::size_t count = 0;
  const StatRow* table = stat_rows(&count);
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_TRUE(rows.contains(table[i].key)) << table[i].key;
  }
}

TEST_F(FormatTest, TextTellsNoLimitAsMax) {
  home_ = registry_.make("free");
  EXPECT_EQ(as_text().at("limit"), "max");
}

// Every reason is a word of its own, apart from its figure.
TEST_F(FormatTest, TextPartsReasonsFromFigures) {
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    record().counters.evict_stayed[i].store(i + 1);
  }
  const std::string text = format(DumpFormat::kText);
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    std::istringstream line(
        text.substr(text.find(std::string("evict_stayed ") + to_string(static_cast<StayReason>(i)))));
    std::string key;
    std::string reason;
    std::uint64_t bytes = 0;
    ASSERT_TRUE(line >> key >> reason >> bytes) << text;
    EXPECT_EQ(reason, to_string(static_cast<StayReason>(i)));
    EXPECT_EQ(bytes, (i + 1) * 4096);
  }
}

// A terminal obeys control bytes, and a name with a newline would add lines of its own.
TEST_F(FormatTest, TextKeepsOneHarmlessLineForEachMember) {
  int pid = 100;
  for (const std::string& name : hostile_names()) {
    add(pid++, Pages{1}, name);
  }
  const std::string text = format(DumpFormat::kText);
  std::size_t members = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    members += line.starts_with("member ") ? 1 : 0;
    for (const char c : line) {
      ASSERT_TRUE(c >= 0x20 && c < 0x7f) << line;
    }
  }
  EXPECT_EQ(members, hostile_names().size());
  EXPECT_THAT(text, Not(HasSubstr("\nusage 0")));
}

}  // namespace
}  // namespace weir
