// exposition_test.cc - the checker of the exposition format is itself checked: what is right passes, what is wrong does
// not.
#include "tests/core/exposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace weir::testing {
namespace {

constexpr char kGaugeHead[] = "# HELP g a gauge\n# TYPE g gauge\n";

TEST(ExpositionTest, WhatIsRightPasses) {
  const std::string text = std::string(kGaugeHead) +
                           "g{a=\"x\",b=\"y \\\" \\\\ \\n z\"} 1.5\ng{a=\"z\"} +Inf\ng 12\n"
                           "# HELP c_total a counter\n# TYPE c_total counter\nc_total{a=\"{}, =\"} 1e3\n";
  const Exposition read = read_exposition(text);
  EXPECT_TRUE(read.faults.empty()) << read.faults.front();
  ASSERT_EQ(read.samples.size(), 4U);
  EXPECT_EQ(read.samples[0].labels.at("b"), "y \" \\ \n z");
  EXPECT_EQ(read.samples[0].value, 1.5);
  EXPECT_TRUE(std::isinf(read.samples[1].value));
  EXPECT_EQ(read.only("c_total", {{"a", "{}, ="}})->value, 1000);
  EXPECT_EQ(read.only("g"), nullptr) << "there are three";
}

TEST(ExpositionTest, WhatIsWrongDoesNot) {
  const std::string head = kGaugeHead;
  const std::vector<std::string> wrong = {
      "",
      "g 1\n",
      head + "g 1",
      head + "g 1\n\n",
      head + "g 1\r\n",
      head + "g one\n",
      head + "g\n",
      head + "g 1 2\n",
      head + "g  1\n",
      head + "g 0x10\n",
      head + "g Infinity\n",
      head + "g{a=\"x\"} 1\ng{a=\"x\"} 2\n",
      head + "g{a=\"x\",a=\"y\"} 1\n",
      head + "g{a=\"x} 1\n",
      head + "g{a=x} 1\n",
      head + "g{a=\"x\" 1\n",
      head + "g{a=\"\\t\"} 1\n",
      head + "g{a=\"x\\\"} 1\n",
      head + "g{a=\"\xff\"} 1\n",
      head + "g{a=\"\xc3\"} 1\n",
      head + "g{__a=\"x\"} 1\n",
      head + "g{le=\"1\"} 1\n",
      head + "g{1a=\"x\"} 1\n",
      head + "g{a=\"x\"}1\n",
      head + head + "g 1\n",
      head + "# notes\ng 1\n",
      "g 1\n" + head,
      "# TYPE g gauge\ng 1\n",
      "# HELP g a gauge\ng 1\n",
      "# HELP g \n# TYPE g gauge\ng 1\n",
      "# HELP g a\\gauge\n# TYPE g gauge\ng 1\n",
      "# HELP g a gauge\n# TYPE g thing\ng 1\n",
      "# HELP g a gauge\n# TYPE g counter\ng 1\n",
      "# HELP g_total a gauge\n# TYPE g_total gauge\ng_total 1\n",
      "# HELP g_count a gauge\n# TYPE g_count gauge\ng_count 1\n",
      "# HELP g-x a gauge\n# TYPE g-x gauge\ng-x 1\n",
      head + "# HELP h_total a counter\n# TYPE h_total counter\nh_total 1\ng 1\n",
      "# HELP c_total a counter\n# TYPE c_total counter\nc_total -1\n",
      "# HELP c_total a counter\n# TYPE c_total counter\nc_total +Inf\n",
  };
  for (const std::string& text : wrong) {
    EXPECT_FALSE(read_exposition(text).faults.empty()) << text;
  }
}

}  // namespace
}  // namespace weir::testing
