// parse_name_test.cc - container names: what may stand in them, how long and how deep they may be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/parse.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

std::string parts(int depth, const std::string& part) {
  std::string name = part;
  for (int i = 1; i < depth; ++i) {
    name += "/" + part;
  }
  return name;
}

TEST(ParseNameTest, TakesLettersDigitsDotsDashesUnderscores) {
  for (const char* name : {"a", "build", "build/cc", "A-b_c.9", "pid-4711", "...", ".hidden", "a/..b/c..", "0"}) {
    const auto parsed = parse_name(name);
    ASSERT_TRUE(parsed.ok()) << name << ": " << parsed.reason;
    EXPECT_EQ(parsed.value, name);
  }
}

TEST(ParseNameTest, RefusesEveryOtherByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                         c == '_' || c == '-' || c == '/';
    const std::string name = std::string("a") + c + "b";
    EXPECT_EQ(parse_name(name).ok(), allowed) << "byte " << byte;
  }
}

TEST(ParseNameTest, RefusesPathsThatClimb) {
  for (const char* name : {".", "..", "a/../b", "../a", "a/..", "a/./b", "/../", "../../etc/passwd", "a/../../b"}) {
    EXPECT_FALSE(parse_name(name).ok()) << name;
  }
  EXPECT_THAT(parse_name("a/../b").reason, HasSubstr("'..'"));
}

TEST(ParseNameTest, RefusesEmptyParts) {
  EXPECT_THAT(parse_name("").reason, HasSubstr("empty"));
  for (const char* name : {"/", "/a", "a/", "a//b", "//"}) {
    ASSERT_FALSE(parse_name(name).ok()) << name;
    EXPECT_THAT(parse_name(name).reason, HasSubstr("empty part")) << name;
  }
}

TEST(ParseNameTest, APartMayHave63Bytes) {
  EXPECT_TRUE(parse_name(std::string(63, 'x')).ok());
  EXPECT_TRUE(parse_name("a/" + std::string(63, 'x')).ok());
  ASSERT_FALSE(parse_name(std::string(64, 'x')).ok());
  EXPECT_THAT(parse_name(std::string(64, 'x')).reason, HasSubstr("63"));
  EXPECT_FALSE(parse_name("a/" + std::string(64, 'x') + "/b").ok());
}

TEST(ParseNameTest, TheWholeMayHave255Bytes) {
  const std::string longest = parts(4, std::string(63, 'x'));
  ASSERT_EQ(longest.size(), kMaxNameBytes);
  EXPECT_TRUE(parse_name(longest).ok());
  const std::string one_more = parts(3, std::string(63, 'x')) + "/" + std::string(31, 'y') + "/" + std::string(32, 'z');
  ASSERT_EQ(one_more.size(), kMaxNameBytes + 1);
  ASSERT_FALSE(parse_name(one_more).ok());
  EXPECT_THAT(parse_name(one_more).reason, HasSubstr("255"));
}

TEST(ParseNameTest, EightContainersDeepAndNoDeeper) {
  EXPECT_TRUE(parse_name(parts(8, "p")).ok());
  ASSERT_FALSE(parse_name(parts(9, "p")).ok());
  EXPECT_THAT(parse_name(parts(9, "p")).reason, HasSubstr("8"));
}

TEST(ParseNameTest, RefusesTenKilobytes) {
  EXPECT_FALSE(parse_name(std::string(10240, 'x')).ok());
  EXPECT_FALSE(parse_name(std::string(10240, '/')).ok());
  EXPECT_FALSE(parse_name(parts(5120, "x")).ok());
}

}  // namespace
}  // namespace weir
