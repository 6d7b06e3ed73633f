// format_prometheus_test.cc - statistics as Prometheus exposition, held against a strict reader of that format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/stats.h"
#include "tests/core/exposition.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::Exposition;
using testing::ExpositionSample;
using testing::MemoryRegistry;
using testing::mib;
using testing::read_exposition;
using testing::StringSink;

// The key with its unit spelled out, as Prometheus' guide to names asks.
std::string metric_name(const StatRow& row) {
  std::string name = std::string("weir_") + row.key;
  if (row.unit == StatRow::Unit::kMicroseconds) {
    name.replace(name.rfind("_us"), 3, "_seconds");
  }
  return name + (row.unit == StatRow::Unit::kBytes ? "_bytes" : "") + (row.monotone ? "_total" : "");
}

class PrometheusTest : public ::testing::Test {
 protected:
  std::string format(const std::vector<ContainerId>& ids) {
    std::vector<ContainerStats> stats;
    for (const ContainerId id : ids) {
      stats.push_back(container_stats(registry_.os, registry_.view, id, Look::kBooks));
    }
    StringSink sink;
    format_prometheus_families(registry_.view, ids.data(), stats.data(), ids.size(), sink);
    return sink.text();
  }
  Exposition read(const std::vector<ContainerId>& ids) {
    Exposition exposition = read_exposition(format(ids));
    for (const std::string& fault : exposition.faults) {
      ADD_FAILURE() << fault;
    }
    return exposition;
  }
  void add(int pid, ContainerId container, Pages charge, const std::string& comm) {
    const MemberId id = registry_.add_member(pid, container, charge);
    MemberRecord& record = registry_.view.member(id);
    std::memset(record.comm, 0, sizeof(record.comm));
    std::memcpy(record.comm, comm.data(), std::min(comm.size(), sizeof(record.comm)));
  }

  MemoryRegistry registry_;
  ContainerId home_ = registry_.make("build/cc", {mib(64), mib(56), mib(48)});
};

TEST_F(PrometheusTest, AnEmptyContainerKeepsTheRules) {
  read({home_});
}

TEST_F(PrometheusTest, NoContainersKeepTheRules) {
  EXPECT_TRUE(read({}).samples.empty());
}

TEST_F(PrometheusTest, EveryRowHasASampleForEachContainer) {
  const ContainerId other = registry_.make("other");
  const Exposition exposition = read({home_, other});
  std::size_t count = 0;
  const StatRow* rows = stat_rows(&count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = metric_name(rows[i]);
    for (const char* container : {"build/cc", "other"}) {
      EXPECT_NE(exposition.only(name, {{"container", container}}), nullptr) << name << " of " << container;
    }
  }
}

TEST_F(PrometheusTest, ValuesAreInTheirUnits) {
  add(11, home_, Pages{3}, "tail");
  registry_.view.container(home_).counters.failcnt.store(7);
  registry_.view.container(home_).counters.allocstall_ns.store(1'234'567);
  const Exposition exposition = read({home_});
  EXPECT_EQ(exposition.only("weir_usage_bytes")->value, 3 * 4096);
  EXPECT_EQ(exposition.only("weir_limit_bytes")->value, 64.0 * kMiB);
  EXPECT_EQ(exposition.only("weir_failcnt_total")->value, 7);
  EXPECT_EQ(exposition.only("weir_allocstall_seconds_total")->value, 0.001234);
  EXPECT_EQ(exposition.only("weir_members")->value, 1);
  const ExpositionSample* member = exposition.only("weir_member_usage_bytes", {{"pid", "11"}});
  ASSERT_NE(member, nullptr);
  EXPECT_EQ(member->value, 3 * 4096);
  EXPECT_EQ(member->labels.at("comm"), "tail");
  EXPECT_EQ(member->labels.at("container"), "build/cc");
}

TEST_F(PrometheusTest, TimesAreInSecondsToTheMicrosecond) {
  registry_.view.container(home_).counters.held_ns.store(61'000'203'999);
  EXPECT_NE(format({home_}).find("weir_held_seconds_total{container=\"build/cc\"} 61.000203\n"), std::string::npos);
  const Exposition exposition = read({home_});
  EXPECT_EQ(exposition.only("weir_background_seconds_total")->value, 0);
  EXPECT_NE(exposition.only("weir_pressure_some_seconds_total"), nullptr);
  EXPECT_NE(exposition.only("weir_pressure_full_seconds_total"), nullptr);
}

TEST_F(PrometheusTest, NoLimitIsInfinite) {
  const Exposition exposition = read({registry_.make("free")});
  for (const char* name : {"weir_limit_bytes", "weir_high_watermark_bytes", "weir_low_watermark_bytes"}) {
    EXPECT_TRUE(std::isinf(exposition.only(name)->value)) << name;
  }
}

TEST_F(PrometheusTest, WhatStayedIsToldByReason) {
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    registry_.view.container(home_).counters.evict_stayed[i].store(i + 1);
  }
  const Exposition exposition = read({home_});
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    const ExpositionSample* sample =
        exposition.only("weir_evict_stayed_bytes_total", {{"reason", to_string(static_cast<StayReason>(i))}});
    ASSERT_NE(sample, nullptr);
    EXPECT_EQ(sample->value, (i + 1) * 4096);
  }
}

TEST_F(PrometheusTest, HostileNamesKeepTheRules) {
  const std::vector<std::string> names = {"\"",       "\\",       "a\"b\\c", "\n", "x\nweir_fake 1",
                                          "\x01\x7f", "\xff\xfe", "{}",      "\\n"};
  int pid = 100;
  for (const std::string& name : names) {
    add(pid++, home_, Pages{1}, name);
  }
  const Exposition exposition = read({home_});
  for (int i = 100; i < pid; ++i) {
    EXPECT_NE(exposition.only("weir_member_usage_bytes", {{"pid", std::to_string(i)}}), nullptr);
  }
  EXPECT_EQ(exposition.only("weir_member_usage_bytes", {{"pid", "102"}})->labels.at("comm"), "a\"b\\c");
  EXPECT_EQ(exposition.only("weir_member_usage_bytes", {{"pid", "108"}})->labels.at("comm"), "\\n");
}

TEST_F(PrometheusTest, AMemberBelowIsToldUnderEachContainerAskedFor) {
  ContainerId parent;
  ASSERT_TRUE(registry_.view.find("build", parent));
  add(11, home_, Pages{3}, "tail");
  const Exposition exposition = read({parent, home_});
  for (const char* container : {"build", "build/cc"}) {
    EXPECT_NE(exposition.only("weir_member_usage_bytes", {{"container", container}, {"pid", "11"}}), nullptr);
  }
}

TEST_F(PrometheusTest, OneContainerByFormatIsTheSameText) {
  add(11, home_, Pages{3}, "tail");
  const ContainerStats stats = container_stats(registry_.os, registry_.view, home_, Look::kBooks);
  StringSink sink;
  format_stats(registry_.view, home_, stats, DumpFormat::kPrometheus, sink);
  EXPECT_EQ(sink.text(), format({home_}));
}

}  // namespace
}  // namespace weir
