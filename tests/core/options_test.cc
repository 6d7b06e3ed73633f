// options_test.cc - the option table: each row takes good values, and complains of bad ones without harm.
#include "core/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <string>
#include <vector>

#include "tests/core/options_support.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using testing::read_with;
using testing::to_text;

struct Sample {
  const char* variable;
  const char* good;
  const char* effect;  // the line of to_text() that the good value changes
  std::vector<std::string> bad;
};

std::vector<Sample> samples() {
  const std::string huge(10240, 'x');
  const std::vector<std::string> bad_sizes = {"", "0", "-1", "64X", "99999999999999999999", "1.5G", huge};
  return {
      {"WEIR_CONTAINER", "build/cc", "container=build/cc", {"", "a/../b", "/a", "a b", "caf\xc3\xa9", huge}},
      {"WEIR_LIMIT", "64M", "limit=16384", bad_sizes},
      {"WEIR_HIGH_WATERMARK", "80%", "high=80%", {"", "0", "0%", "101%", "-5%", "64X", "x", huge}},
      {"WEIR_LOW_WATERMARK", "48M", "low=50331648", {"", "0", "0%", "101%", "-5%", "64X", "x", huge}},
      {"WEIR_BACKGROUND", "off", "background=0", {"", "maybe", "2", "-1", huge}},
      {"WEIR_LOAD_CONTROL", "off", "load_control=0", {"", "maybe", "2", "-1", huge}},
      {"WEIR_PROACTIVE", "0.1", "proactive=10", {"", "0", "-1", "0.001", "101", "1.", ".5", "0.1x", "1e1", huge}},
      {"WEIR_THRASH",
       "30:oom",
       "thrash=30:oom",
       {"", "0", "-1", "1.5", "86401", "30:", "30:kill", "30:oomx", ":oom", huge}},
      {"WEIR_THREADS", "io*=io:limit=8M", "threads=1", {"", "x", "a=/b", "a=b:limit=x", huge}},
      {"WEIR_PROCESSES",
       "pg: *=c-%p:limit=8M",
       "processes=1",
       {"", "x", "a=/b", "a=%pb", "a=b/%p/c", "a=b:limit=x", huge}},
      {"WEIR_SWAP_LIMIT", "1G", "swap_limit=262144", bad_sizes},
      {"WEIR_OOM", "pause:5", "oom=pause:5", {"", "0", "maim", "pause:", "pause:-1", "pause:99999999999", huge}},
      {"WEIR_DUMP_SIGNAL", "USR1", "dump_signal=10", {"", "0", "-1", "9", "65", "FOO", "99999999999", huge}},
      {"WEIR_DUMP_FILE", "/tmp/x.%p", "dump_file=/tmp/x.%p", {"", huge}},
      {"WEIR_DUMP_FORMAT", "json", "dump_format=1", {"", "xml", "JSON ", "0", huge}},
      {"WEIR_LOG", "debug:/tmp/log", "log_path=/tmp/log", {"", "loud", "-1", "debug:", "debug:" + huge, huge}},
      {"WEIR_RECORD", "/tmp/r", "record=/tmp/r", {"", huge}},
      {"WEIR_DIR", "/run/w", "directory=/run/w", {"", "relative", "./x", "/" + huge}},
      {"WEIR_METER", "fallback", "fallback_meter=1", {"", "perf", "0", huge}},
      {"WEIR_THREADLESS", "on", "threadless=1", {"", "maybe", "-1", huge}},
  };
}

TEST(OptionTableTest, EveryRowHasASampleHere) {
  std::size_t count = 0;
  const OptionRow* rows = option_rows(&count);
  std::set<std::string> in_table;
  for (std::size_t i = 0; i < count; ++i) {
    in_table.insert(rows[i].variable);
  }
  std::set<std::string> sampled;
  for (const Sample& sample : samples()) {
    sampled.insert(sample.variable);
  }
  EXPECT_EQ(in_table, sampled);
  EXPECT_EQ(in_table.size(), count) << "a name stands twice in the table";
}

TEST(OptionsTest, AGoodValueSetsItsOptionAndNoOther) {
  for (const Sample& sample : samples()) {
    const auto result = read_with({{sample.variable, sample.good}});
    EXPECT_EQ(result.complaints.count, 0U) << sample.variable;
    EXPECT_TRUE(result.options.any);
    const std::string text = to_text(result.options);
    EXPECT_THAT(text, HasSubstr(std::string(sample.effect) + "\n")) << sample.variable;
    EXPECT_NE(text, to_text(Options{})) << sample.variable;
  }
}

TEST(OptionsTest, ABadValueIsNamedAndLeavesEveryOptionAtItsDefault) {
  for (const Sample& sample : samples()) {
    for (const std::string& bad : sample.bad) {
      const auto result = read_with({{sample.variable, bad}});
      ASSERT_EQ(result.complaints.count, 1U) << sample.variable << "=" << bad.substr(0, 60);
      const Complaint& complaint = result.complaints.list[0];
      EXPECT_STREQ(complaint.variable, sample.variable);
      EXPECT_EQ(complaint.value, bad);
      ASSERT_NE(complaint.reason, nullptr);
      EXPECT_NE(complaint.reason[0], '\0');
      EXPECT_EQ(to_text(result.options), to_text(Options{})) << sample.variable << "=" << bad.substr(0, 60);
    }
  }
}

TEST(OptionsTest, ABadValueDoesNotSpoilTheGoodOnes) {
  const auto result = read_with({{"WEIR_LIMIT", "64M"}, {"WEIR_OOM", "maim"}, {"WEIR_BACKGROUND", "off"}});
  EXPECT_EQ(result.complaints.count, 1U);
  EXPECT_EQ(result.options.limit, Pages::holding(64 * kMiB));
  EXPECT_FALSE(result.options.background);
  EXPECT_EQ(result.options.oom.policy, OomPolicy::kKill);
}

TEST(OptionsTest, AllRowsMayBeBadAtOnce) {
  std::map<std::string, std::string> variables;
  for (const Sample& sample : samples()) {
    variables[sample.variable] = sample.bad.back();
  }
  const auto result = read_with(variables);
  EXPECT_EQ(result.complaints.count, samples().size());
  EXPECT_EQ(to_text(result.options), to_text(Options{}));
}

TEST(OptionsTest, WithoutVariablesNothingIsSet) {
  const auto result = read_with({});
  EXPECT_FALSE(result.options.any);
  EXPECT_EQ(result.complaints.count, 0U);
  EXPECT_EQ(to_text(result.options), to_text(Options{}));
}

TEST(OptionsTest, ForeignVariablesAreNotRead) {
  const auto result = read_with({{"WEIR", "x"}, {"WEIR_", "x"}, {"weir_limit", "64M"}, {"XWEIR_LIMIT", "64M"}});
  EXPECT_FALSE(result.options.any);
  EXPECT_EQ(result.complaints.count, 0U);
}

TEST(OptionsTest, NoLimitMayBeSaidInWords) {
  for (const char* word : {"none", "max", "NONE", "Max"}) {
    const auto result = read_with({{"WEIR_LIMIT", word}, {"WEIR_SWAP_LIMIT", word}});
    EXPECT_EQ(result.complaints.count, 0U) << word;
    EXPECT_TRUE(result.options.limit.unlimited());
    EXPECT_TRUE(result.options.swap_limit.unlimited());
  }
}

TEST(OptionsTest, TheLogGoesToTerminalsOnlyUnlessALevelIsAsked) {
  EXPECT_TRUE(read_with({}).options.log_terminal_only);
  EXPECT_TRUE(read_with({{"WEIR_LOG", "auto"}}).options.log_terminal_only);
  const auto info = read_with({{"WEIR_LOG", "info"}});
  EXPECT_FALSE(info.options.log_terminal_only);
  EXPECT_EQ(info.options.log_level, LogLevel::kInfo);
  EXPECT_EQ(info.options.log_path, "");
  EXPECT_EQ(read_with({{"WEIR_LOG", "off"}}).options.log_level, LogLevel::kOff);
}

TEST(OptionsTest, ALogPathMayHoldColons) {
  const auto result = read_with({{"WEIR_LOG", "warn:/tmp/a:b"}});
  EXPECT_EQ(result.complaints.count, 0U);
  EXPECT_EQ(result.options.log_path, "/tmp/a:b");
}

TEST(ComplaintsTest, MoreThanThereIsRoomForAreDropped) {
  Complaints complaints;
  for (int i = 0; i < 100; ++i) {
    complaints.add({"WEIR_X", "v", "is bad"});
  }
  EXPECT_EQ(complaints.count, complaints.list.size());
}

}  // namespace
}  // namespace weir
