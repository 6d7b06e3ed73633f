// text_test.cc - the bounded text builder: exact when there is room, cut off and nothing worse when there is not.
#include "core/text.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

namespace weir {
namespace {

TEST(TextTest, BuildsWhatItIsGiven) {
  TextBuffer<64> text;
  text.add("pid ").add_number(42).add_char(':').add_spaces(2).add_number(0);
  EXPECT_EQ(text.view(), "pid 42:  0");
  EXPECT_STREQ(text.c_str(), "pid 42:  0");
  EXPECT_FALSE(text.full());
}

TEST(TextTest, WritesTheLargestNumber) {
  TextBuffer<64> text;
  EXPECT_EQ(text.add_number(UINT64_MAX).view(), "18446744073709551615");
}

TEST(TextTest, PadsOnTheLeftAndNeverCutsANumber) {
  TextBuffer<64> text;
  text.add_padded(7, 3).add_char('|').add_padded(1000, 3).add_char('|').add_padded(0, 1).add_char('|');
  text.add_padded(UINT64_MAX, 22);
  EXPECT_EQ(text.view(), "  7|1000|0|  18446744073709551615");
}

TEST(TextTest, TakesEmbeddedZeroes) {
  TextBuffer<8> text;
  text.add(std::string_view("a\0b", 3));
  EXPECT_EQ(text.view(), std::string_view("a\0b", 3));
}

// One byte is always kept for the NUL.
TEST(TextTest, KeepsOneByteLessThanItsMemory) {
  std::array<char, 4> memory{};
  Text text(memory.data(), memory.size());
  text.add("ab");
  EXPECT_FALSE(text.full());
  text.add_char('c');
  EXPECT_TRUE(text.full());
  text.add_char('d');
  EXPECT_EQ(text.view(), "abc");
}

TEST(TextTest, CutsOffEveryKindOfTailWithoutTouchingWhatFollows) {
  for (std::size_t capacity = 1; capacity < 40; ++capacity) {
    std::array<char, 64> memory{};
    memory.fill('#');
    Text text(memory.data(), capacity);
    text.add("twelve chars").add_number(1234567890123).add_spaces(9).add_padded(5, 9);
    EXPECT_EQ(std::strlen(text.c_str()), capacity - 1);
    EXPECT_EQ(std::string_view("twelve chars1234567890123                 5").substr(0, capacity - 1), text.view());
    for (std::size_t i = capacity; i < memory.size(); ++i) {
      ASSERT_EQ(memory[i], '#') << "capacity " << capacity << " wrote at " << i;
    }
  }
}

TEST(TextTest, ClearStartsAnew) {
  TextBuffer<8> text;
  text.add("too long for this").clear();
  EXPECT_EQ(text.view(), "");
  EXPECT_EQ(text.add("new").view(), "new");
}

}  // namespace
}  // namespace weir
