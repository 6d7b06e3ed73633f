// parse_size_test.cc - sizes, limits and watermarks: what people may write, and every kind of thing they may not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/parse.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

struct GoodSize {
  const char* text;
  std::uint64_t bytes;
};

TEST(ParseSizeTest, UnderstandsNumbersAndSuffixesInEitherCase) {
  const std::vector<GoodSize> good = {
      {"1", 1},           {"4096", 4096},     {"007", 7},          {"5b", 5},
      {"5B", 5},          {"3k", 3 * kKiB},   {"3K", 3 * kKiB},    {"3kb", 3 * kKiB},
      {"3KiB", 3 * kKiB}, {"64M", 64 * kMiB}, {"64m", 64 * kMiB},  {"64MB", 64 * kMiB},
      {"1g", kGiB},       {"1GIB", kGiB},     {"2T", 2048 * kGiB}, {"2tib", 2048 * kGiB}};
  for (const GoodSize& size : good) {
    const auto parsed = parse_size(size.text);
    EXPECT_TRUE(parsed.ok()) << size.text << ": " << parsed.reason;
    EXPECT_EQ(parsed.value, size.bytes) << size.text;
  }
}

struct BadValue {
  std::string text;
  const char* reason;
};

std::vector<BadValue> bad_sizes() {
  return {{"", "empty"},
          {"-1", "negative"},
          {"-64M", "negative"},
          {"+1", "not a size"},
          {" 64M", "not a size"},
          {"M", "not a size"},
          {"x", "not a size"},
          {"%", "not a size"},
          {"none of it", "not a size"},
          {"64M ", "suffix"},
          {"64 M", "suffix"},
          {"64X", "suffix"},
          {"64E", "suffix"},
          {"64KK", "suffix"},
          {"64MiBB", "suffix"},
          {"64iB", "suffix"},
          {"64BB", "suffix"},
          {"1.5M", "suffix"},
          {"1,5M", "suffix"},
          {"1e6", "suffix"},
          {"0x10", "suffix"},
          {"50%", "suffix"},
          {std::string("64\0M", 4), "suffix"},
          {"64\xe2\x82\xac", "suffix"},
          {"0", "zero"},
          {"000", "zero"},
          {"0K", "zero"},
          {"0T", "zero"},
          {"16777216T", "too large"},
          {"18446744073709551615K", "too large"},
          {"18446744073709551616", "too large"},
          {"99999999999999999999999999", "too large"},
          {std::string(10240, '9'), "too large"},
          {std::string(10240, '9') + "M", "too large"},
          {std::string(10240, 'x'), "not a size"},
          {"64" + std::string(10240, 'M'), "suffix"}};
}

TEST(ParseSizeTest, RefusesEveryKindOfBadValueAndSaysWhy) {
  for (const BadValue& bad : bad_sizes()) {
    const auto parsed = parse_size(bad.text);
    ASSERT_FALSE(parsed.ok()) << bad.text.substr(0, 60);
    EXPECT_THAT(parsed.reason, HasSubstr(bad.reason)) << bad.text.substr(0, 60);
    EXPECT_EQ(parsed.value, 0U);
  }
}

TEST(ParseSizeTest, TheLargestWholeTebibytesFit) {
  EXPECT_EQ(parse_size("8388607T").value, std::uint64_t{8388607} << 40);
}

// A text that is not NUL-terminated must not be read beyond its end.
TEST(ParseSizeTest, ReadsNoFurtherThanTheView) {
  const std::string_view longer = "64M5";
  EXPECT_EQ(parse_size(longer.substr(0, 2)).value, 64U);
  EXPECT_EQ(parse_size(longer.substr(0, 3)).value, 64 * kMiB);
  EXPECT_EQ(parse_size(std::string_view{}).ok(), false);
}

TEST(ParseLimitTest, TakesSizesAndTheWordsForNoLimit) {
  EXPECT_EQ(parse_limit("16M").value, Pages{4096});
  EXPECT_EQ(parse_limit("1M").value, Pages{256});
  EXPECT_EQ(parse_limit("1048577").value, Pages{257});
  for (const char* word : {"none", "None", "max", "MAX"}) {
    ASSERT_TRUE(parse_limit(word).ok()) << word;
    EXPECT_TRUE(parse_limit(word).value.unlimited()) << word;
  }
}

TEST(ParseLimitTest, RefusesWhatIsNoSize) {
  for (const BadValue& bad : bad_sizes()) {
    const auto parsed = parse_limit(bad.text);
    ASSERT_FALSE(parsed.ok()) << bad.text.substr(0, 60);
    EXPECT_THAT(parsed.reason, HasSubstr(bad.reason)) << bad.text.substr(0, 60);
  }
}

TEST(ParseLimitTest, RefusesALimitNoProgramCanLiveUnder) {
  for (const char* text : {"1", "4096", "1023K", "1048575"}) {
    ASSERT_FALSE(parse_limit(text).ok()) << text;
    EXPECT_THAT(parse_limit(text).reason, HasSubstr("below 1M"));
  }
}

TEST(ParseMarkTest, TakesSizes) {
  const auto mark = parse_mark("48M");
  ASSERT_TRUE(mark.ok());
  EXPECT_EQ(mark.value.against(Pages::holding(64 * kMiB)), Pages::holding(48 * kMiB));
  EXPECT_EQ(mark.value.against(Pages::all()), Pages::holding(48 * kMiB));
}

TEST(ParseMarkTest, RefusesSizesBelowWhatAnEmptyProgramNeeds) {
  for (const char* text : {"9", "64K", "1023K"}) {
    EXPECT_FALSE(parse_mark(text).ok()) << text;
  }
  EXPECT_TRUE(parse_mark("1M").ok());
}

TEST(ParseMarkTest, TakesAShareOfTheLimit) {
  const auto mark = parse_mark("75%");
  ASSERT_TRUE(mark.ok());
  EXPECT_EQ(mark.value.against(Pages{400}), Pages{300});
  EXPECT_EQ(parse_mark("1%").value.against(Pages{400}), Pages{4});
  EXPECT_EQ(parse_mark("100%").value.against(Pages{401}), Pages{401});
}

TEST(ParseMarkTest, AShareOfNoLimitIsNoMark) {
  EXPECT_TRUE(parse_mark("50%").value.against(Pages::all()).unlimited());
}

TEST(ParseMarkTest, AShareOfAnEnormousLimitDoesNotWrap) {
  const Pages limit{UINT64_MAX - 1};
  const Pages mark = parse_mark("99%").value.against(limit);
  EXPECT_LT(mark, limit);
  EXPECT_GT(mark, Pages{limit.count / 100 * 98});
}

TEST(ParseMarkTest, RefusesSharesOutsideOneToAHundred) {
  for (const std::string& text :
       {std::string("0%"), std::string("101%"), std::string("-5%"), std::string("+5%"), std::string("%"),
        std::string("5%%"), std::string("5.5%"), std::string("5 %"), std::string("5M%"), std::string("%5"),
        std::string("18446744073709551666%"), std::string(10240, '1') + "%"}) {
    ASSERT_FALSE(parse_mark(text).ok()) << text.substr(0, 60);
    EXPECT_NE(parse_mark(text).reason[0], '\0');
  }
}

TEST(ParseMarkTest, RefusesWhatIsNoSize) {
  for (const BadValue& bad : bad_sizes()) {
    if (bad.text != "50%") {
      EXPECT_FALSE(parse_mark(bad.text).ok()) << bad.text.substr(0, 60);
    }
  }
}

}  // namespace
}  // namespace weir
