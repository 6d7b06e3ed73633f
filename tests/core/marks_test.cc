// marks_test.cc - limit and watermarks against each other: defaults, shares, and low <= high <= limit always.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/options.h"
#include "tests/core/options_support.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using testing::mib;
using testing::read_with;
using testing::ReadResult;

ReadResult read_marks(const char* limit, const char* high, const char* low) {
  std::map<std::string, std::string> variables;
  for (const auto& [name, value] :
       {std::pair{"WEIR_LIMIT", limit}, std::pair{"WEIR_HIGH_WATERMARK", high}, std::pair{"WEIR_LOW_WATERMARK", low}}) {
    if (value != nullptr) {
      variables[name] = value;
    }
  }
  return read_with(variables);
}

Marks marks(const char* limit, const char* high, const char* low) {
  const ReadResult result = read_marks(limit, high, low);
  EXPECT_EQ(result.complaints.count, 0U);
  return marks_of(result.options);
}

TEST(MarksTest, DefaultsAreSevenEighthsAndThreeQuarters) {
  EXPECT_EQ(marks("16M", nullptr, nullptr), (Marks{mib(16), mib(14), mib(12)}));
  EXPECT_EQ(marks("64M", nullptr, nullptr), (Marks{mib(64), mib(56), mib(48)}));
}

TEST(MarksTest, WithoutALimitThereIsNoMark) {
  EXPECT_EQ(marks(nullptr, nullptr, nullptr), (Marks{Pages::all(), Pages::all(), Pages::all()}));
  EXPECT_EQ(marks(nullptr, "80%", "50%"), (Marks{Pages::all(), Pages::all(), Pages::all()}));
}

TEST(MarksTest, OnlyMarksThatNobodySetMayMove) {
  EXPECT_TRUE(read_marks("16M", nullptr, nullptr).options.marks_may_move());
  EXPECT_FALSE(read_marks("16M", "14M", nullptr).options.marks_may_move());
  EXPECT_FALSE(read_marks("16M", nullptr, "50%").options.marks_may_move());
  EXPECT_FALSE(read_marks("16M", "14M", "12M").options.marks_may_move());
  EXPECT_FALSE(read_marks(nullptr, nullptr, nullptr).options.marks_may_move()) << "there are none";
  EXPECT_TRUE(read_marks("16M", "17M", nullptr).options.marks_may_move()) << "a bad one is as none";
}

TEST(MarksTest, BothSet) {
  EXPECT_EQ(marks("64M", "48M", "32M"), (Marks{mib(64), mib(48), mib(32)}));
  EXPECT_EQ(marks("64M", "75%", "50%"), (Marks{mib(64), mib(48), mib(32)}));
  EXPECT_EQ(marks("64M", "75%", "32M"), (Marks{mib(64), mib(48), mib(32)}));
}

TEST(MarksTest, AllThreeMayBeTheSame) {
  EXPECT_EQ(marks("64M", "64M", "64M"), (Marks{mib(64), mib(64), mib(64)}));
  EXPECT_EQ(marks("64M", "100%", "100%"), (Marks{mib(64), mib(64), mib(64)}));
}

TEST(MarksTest, AbsoluteMarksNeedNoLimit) {
  EXPECT_EQ(marks(nullptr, "48M", "32M"), (Marks{Pages::all(), mib(48), mib(32)}));
  const Marks high_only = marks(nullptr, "48M", nullptr);
  EXPECT_EQ(high_only.high, mib(48));
  EXPECT_LT(high_only.low, high_only.high);
  EXPECT_GT(high_only.low, mib(24));
}

TEST(MarksTest, OnlyHighSetKeepsTheDefaultLowWhereItFits) {
  EXPECT_EQ(marks("64M", "60M", nullptr), (Marks{mib(64), mib(60), mib(48)}));
}

TEST(MarksTest, OnlyHighSetBelowTheDefaultLowBringsLowDown) {
  const Marks found = marks("64M", "32M", nullptr);
  EXPECT_EQ(found.high, mib(32));
  EXPECT_LT(found.low, mib(32));
  EXPECT_GT(found.low, mib(16));
}

TEST(MarksTest, OnlyLowSetKeepsTheDefaultHighWhereItFits) {
  EXPECT_EQ(marks("64M", nullptr, "32M"), (Marks{mib(64), mib(56), mib(32)}));
  EXPECT_EQ(marks("64M", nullptr, "60M"), (Marks{mib(64), mib(60), mib(60)}));
}

TEST(MarksTest, OnlyLowSetWithoutALimitStartsNothing) {
  EXPECT_EQ(marks(nullptr, nullptr, "32M"), (Marks{Pages::all(), Pages::all(), mib(32)}));
}

struct Conflict {
  const char* limit;
  const char* high;
  const char* low;
  const char* blamed;
  const char* value;
  const char* reason;
  Marks left;
};

// The mark that does not fit goes back to its default; the other one is none the worse.
std::vector<Conflict> conflicts() {
  return {
      {"64M", "65M", nullptr, "WEIR_HIGH_WATERMARK", "65M", "WEIR_LIMIT", {mib(64), mib(56), mib(48)}},
      {"64M", "65M", "32M", "WEIR_HIGH_WATERMARK", "65M", "WEIR_LIMIT", {mib(64), mib(56), mib(32)}},
      {"64M", nullptr, "65M", "WEIR_LOW_WATERMARK", "65M", "WEIR_LIMIT", {mib(64), mib(56), mib(48)}},
      {"64M", "60M", "61M", "WEIR_LOW_WATERMARK", "61M", "WEIR_HIGH_WATERMARK", {mib(64), mib(60), mib(48)}},
      {"64M", "75%", "60M", "WEIR_LOW_WATERMARK", "60M", "WEIR_HIGH_WATERMARK", {}},
      {"64M", "90%", "91%", "WEIR_LOW_WATERMARK", "91%", "WEIR_HIGH_WATERMARK", {}},
      {nullptr, "32M", "48M", "WEIR_LOW_WATERMARK", "48M", "WEIR_HIGH_WATERMARK", {}},
  };
}

TEST(MarksTest, AMarkOutOfOrderIsNamedWithItsValue) {
  for (const Conflict& c : conflicts()) {
    const ReadResult result = read_marks(c.limit, c.high, c.low);
    ASSERT_EQ(result.complaints.count, 1U) << c.value;
    EXPECT_STREQ(result.complaints.list[0].variable, c.blamed);
    EXPECT_EQ(result.complaints.list[0].value, c.value);
    EXPECT_THAT(result.complaints.list[0].reason, HasSubstr(c.reason));
  }
}

TEST(MarksTest, AMarkOutOfOrderFallsBackToItsDefaultAlone) {
  for (const Conflict& c : conflicts()) {
    const ReadResult result = read_marks(c.limit, c.high, c.low);
    EXPECT_TRUE(marks_of(result.options).ordered()) << c.value;
    EXPECT_EQ(result.options.high_set(), std::string(c.blamed) == "WEIR_LOW_WATERMARK" && c.high != nullptr);
    if (c.left != Marks{}) {
      EXPECT_EQ(marks_of(result.options), c.left) << c.value;
    }
  }
}

TEST(MarksTest, BothOutOfOrderAreBothNamed) {
  const ReadResult result = read_marks("64M", "65M", "66M");
  ASSERT_EQ(result.complaints.count, 2U);
  EXPECT_STREQ(result.complaints.list[0].variable, "WEIR_HIGH_WATERMARK");
  EXPECT_STREQ(result.complaints.list[1].variable, "WEIR_LOW_WATERMARK");
  EXPECT_EQ(marks_of(result.options), (Marks{mib(64), mib(56), mib(48)}));
}

TEST(MarksTest, AbsoluteMarksOutliveABadLimit) {
  const ReadResult result = read_marks("64X", "48M", "32M");
  ASSERT_EQ(result.complaints.count, 1U);
  EXPECT_STREQ(result.complaints.list[0].variable, "WEIR_LIMIT");
  EXPECT_EQ(marks_of(result.options), (Marks{Pages::all(), mib(48), mib(32)}));
}

// Whatever was written, what comes out is in order.
TEST(MarksTest, EveryCombinationEndsInOrder) {
  const std::vector<const char*> values = {nullptr, "1",   "1M",  "16M",  "15M", "17M", "64M",
                                           "1%",    "50%", "99%", "100%", "0",   "x",   "8388607T"};
  for (const char* limit : values) {
    for (const char* high : values) {
      for (const char* low : values) {
        const Marks found = marks_of(read_marks(limit, high, low).options);
        EXPECT_TRUE(found.ordered()) << (limit != nullptr ? limit : "-") << " " << (high != nullptr ? high : "-") << " "
                                     << (low != nullptr ? low : "-");
      }
    }
  }
}

}  // namespace
}  // namespace weir
