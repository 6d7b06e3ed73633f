// group_rules_test.cc - the grammar of WEIR_THREADS and WEIR_PROCESSES: what fits, what is refused, and in which words.
#include "core/group_rules.h"

#include <gmock/gmock.h>

#include <string>

namespace weir::testing {
namespace {

GroupRules rules_of(std::string_view text) {
  const auto parsed = parse_thread_rules(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << (parsed.ok() ? "" : parsed.reason);
  return parsed.value;
}

std::string_view container_of(const GroupRules& rules, std::string_view name, std::uint32_t number = 1) {
  const GroupRule* rule = rule_for(rules, name, number);
  return rule == nullptr ? std::string_view{} : rule->container;
}

TEST(GroupRulesTest, ReadsPatternContainerAndOptions) {
  const GroupRules rules = rules_of("io_thd_*=io:limit=64M,high=48M,low=50%,oom=enomem;bio_*=bio");
  ASSERT_EQ(rules.count, 2U);
  EXPECT_EQ(rules.list[0].pattern, "io_thd_*");
  EXPECT_EQ(rules.list[0].container, "io");
  EXPECT_EQ(rules.list[0].limit, Pages::holding(64 * kMiB));
  EXPECT_EQ(rules.list[0].high.against(rules.list[0].limit), Pages::holding(48 * kMiB));
  EXPECT_EQ(rules.list[0].low.against(rules.list[0].limit), Pages::holding(32 * kMiB));
  EXPECT_EQ(rules.list[0].oom.policy, OomPolicy::kEnomem);
  EXPECT_TRUE(rules.list[0].has_options);
  EXPECT_TRUE(rules.list[1].limit.unlimited());
  EXPECT_FALSE(rules.list[1].has_options);
}

TEST(GroupRulesTest, ReadsNumbersAndRangesAndAClosingSemicolon) {
  const GroupRules rules = rules_of("#3=one;#4-8=some;");
  EXPECT_EQ(container_of(rules, "x", 2), "");
  EXPECT_EQ(container_of(rules, "x", 3), "one");
  EXPECT_EQ(container_of(rules, "x", 4), "some");
  EXPECT_EQ(container_of(rules, "x", 8), "some");
  EXPECT_EQ(container_of(rules, "x", 9), "");
}

TEST(GroupRulesTest, OneContainerMayHaveSeveralRulesAndOnceItsOptions) {
  EXPECT_EQ(rules_of("a=b;c=b:limit=4M;d=b").count, 3U);
  EXPECT_EQ(rules_of("a=b:limit=4M;c=b:limit=4M;d=e:limit=2M").count, 3U);
}

TEST(GroupRulesTest, TheFirstRuleThatFitsCounts) {
  const GroupRules rules = rules_of("a*=first;ab=second;#1=third");
  EXPECT_EQ(container_of(rules, "ab"), "first");
  EXPECT_EQ(container_of(rules, "b"), "third");
}

TEST(GroupRulesTest, PatternsKnowStarAndQuestionMark) {
  const GroupRules rules = rules_of("a*b?c=x");
  EXPECT_EQ(container_of(rules, "ab1c"), "x");
  EXPECT_EQ(container_of(rules, "aXXbYb2c"), "x");
  EXPECT_EQ(container_of(rules, "abc"), "");
  EXPECT_EQ(container_of(rules, "ab1cd"), "");
  EXPECT_EQ(container_of(rules_of("*=all"), ""), "all");
  EXPECT_EQ(container_of(rules_of("GC Thread*=gc"), "GC Thread#1"), "gc");
}

TEST(GroupRulesTest, AManyStarredPatternEndsInTime) {
  const GroupRules rules = rules_of("*a*a*a*a*a*a*a*b=x");
  EXPECT_EQ(container_of(rules, std::string(15, 'a')), "");
}

TEST(GroupRulesTest, ATitleMayHaveColonsAndAContainerThePid) {
  const auto parsed = parse_process_rules("postgres: bench *=client-%p:limit=32M;postgres: *=pg/server;#1=x");
  ASSERT_TRUE(parsed.ok()) << parsed.reason;
  const GroupRule* client = rule_for(parsed.value, "postgres: bench test [local] SELECT", 0);
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->container, "client-");
  EXPECT_TRUE(client->each_its_own);
  EXPECT_EQ(client->limit, Pages::holding(32 * kMiB));
  const GroupRule* server = rule_for(parsed.value, "postgres: walwriter ", 0);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->container, "pg/server");
  EXPECT_FALSE(server->each_its_own);
  EXPECT_EQ(rule_for(parsed.value, "postgres -D data", 0), nullptr);
  EXPECT_NE(rule_for(parsed.value, "#1", 0), nullptr) << "a title, not a number";
}

TEST(GroupRulesTest, ThePidStandsAtTheEndOfAProcessRuleOnly) {
  EXPECT_FALSE(parse_thread_rules("a=b-%p").ok());
  EXPECT_TRUE(parse_process_rules("a=%p").ok());
  const std::string too_long = "a=" + std::string(60, 'x') + "%p";
  for (const char* text : {"a=%px", "a=%p/x", "a=%d", "a=b%%p", "=b", "a=/%p", too_long.c_str()}) {
    EXPECT_FALSE(parse_process_rules(text).ok()) << text;
  }
}

struct Refusal {
  const char* text;
  const char* reason;
};

class RefusedRulesTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedRulesTest, TheWholeTextIsRefusedWithAReason) {
  const auto parsed = parse_thread_rules(GetParam().text);
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.reason, ::testing::HasSubstr(GetParam().reason));
  EXPECT_EQ(parsed.value.count, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, RefusedRulesTest,
    ::testing::Values(Refusal{"", "is empty"}, Refusal{";;", "no rule"}, Refusal{"=io", "without a thread name"},
                      Refusal{"a", "lacks a '='"}, Refusal{"a=", "container name"}, Refusal{"a=../b", "container name"},
                      Refusal{"a=left", "left behind"}, Refusal{"#=a", "thread number"},
                      Refusal{"#0=a", "thread number"}, Refusal{"#1-=a", "thread number"},
                      Refusal{"#-1=a", "thread number"}, Refusal{"#99999999999=a", "thread number"},
                      Refusal{"#5-3=a", "ends before"}, Refusal{"a=b:", "option"},
                      Refusal{"a=b:colour=red", "unknown option"},
                      Refusal{"a=b:high=1M,high_watermark=2M", "given twice"},
                      Refusal{"a=b:limit=4M;#2=c;d=b:limit=2M", "different options"}, Refusal{"a=b:limit=1.5G", ""},
                      Refusal{"a=b:limit=8M,high=9M", "above its limit"},
                      Refusal{"a=b:limit=8M,high=4M,low=5M", "above the high one"},
                      Refusal{"a=b:high=50%", "and no limit"}, Refusal{"good=a;bad", "lacks a '='"}));

TEST(GroupRulesTest, TooManyRulesAreRefused) {
  std::string text;
  for (std::size_t i = 0; i <= GroupRules::kMost; ++i) {
    text += "t" + std::to_string(i) + "=c;";
  }
  EXPECT_FALSE(parse_thread_rules(text).ok());
  EXPECT_FALSE(parse_thread_rules(std::string(GroupRules::kMostBytes, 'a') + "=b").ok());
}

}  // namespace
}  // namespace weir::testing
