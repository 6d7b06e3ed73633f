// syscall_site_test.cc - the number of a system call, from the instructions before the program counter.
#include "core/syscall_site.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <initializer_list>
#include <vector>

#include "core/units.h"

namespace weir {
namespace {

long number_of(std::initializer_list<std::uint8_t> code) {
  const std::vector<std::uint8_t> bytes(code);
  return syscall_number(bytes.data(), bytes.size());
}

TEST(SyscallSiteTest, TheConstantRightBefore) {
  EXPECT_EQ(number_of({0x90, 0xb8, 0x07, 0, 0, 0, 0x0f, 0x05}), 7);
  EXPECT_EQ(number_of({0x90, 0xb8, 0x3e, 0x01, 0, 0, 0x0f, 0x05}), 318);
  EXPECT_EQ(number_of({0x90, 0x31, 0xc0, 0x0f, 0x05}), 0) << "xor %eax,%eax is read";
}

TEST(SyscallSiteTest, MovesToOtherRegistersMayLieBetween) {
  EXPECT_EQ(number_of({0x90, 0xb8, 0x2c, 0, 0, 0, 0x45, 0x31, 0xc0, 0x45, 0x31, 0xc9, 0x0f, 0x05}), 44);
  EXPECT_EQ(number_of({0x90, 0xb8, 0x19, 1, 0, 0, 0x41, 0xb9, 8, 0, 0, 0, 0x44, 0x89, 0xe7, 0x0f, 0x05}), 281);
  EXPECT_EQ(number_of({0x90, 0xb8, 0x0e, 1, 0, 0, 0x8b, 0x7c, 0x24, 0x1c, 0x0f, 0x05}), 270) << "from the stack";
  EXPECT_EQ(number_of({0x90, 0xb8, 0x19, 1, 0, 0, 0x48, 0x8b, 0x34, 0x24, 0x0f, 0x05}), 281);
  EXPECT_EQ(number_of({0x90, 0xb8, 0x01, 0, 0, 0, 0x48, 0x8b, 0xb3, 1, 2, 3, 4, 0x0f, 0x05}), 1);
  EXPECT_EQ(number_of({0x90, 0x31, 0xc0, 0x48, 0x89, 0xee, 0x0f, 0x05}), 0);
}

TEST(SyscallSiteTest, WhatCannotBeToldIsNotGuessed) {
  EXPECT_EQ(number_of({0x90, 0xb8, 0x07, 0, 0, 0, 0x90, 0x90}), -1) << "no system call";
  EXPECT_EQ(number_of({0x90, 0x48, 0x89, 0xf8, 0x0f, 0x05}), -1) << "syscall(2) is told by its argument";
  EXPECT_EQ(number_of({0x90, 0xb8, 0x07, 0, 0, 0, 0x89, 0xd8, 0x0f, 0x05}), -1) << "loaded anew from ebx";
  EXPECT_EQ(number_of({0x90, 0xb8, 0x07, 0, 0, 0, 0x41, 0x8b, 0x04, 0x24, 0x0f, 0x05}), -1) << "and from memory";
  EXPECT_EQ(number_of({0x90, 0xb8, 0x07, 0, 0, 0, 0x8b, 0x35, 1, 2, 3, 4, 0x0f, 0x05}), -1) << "a rare form";
  EXPECT_EQ(number_of({0x90, 0xb8, 0x07, 0, 0, 0, 0xbe, 1, 0x0f, 0x05}), -1) << "half of one";
  EXPECT_EQ(number_of({0x41, 0xb8, 0x07, 0, 0, 0, 0x0f, 0x05}), -1) << "that is r8d";
  EXPECT_EQ(number_of({0x45, 0x31, 0xc0, 0x0f, 0x05}), -1) << "so is this";
  EXPECT_EQ(number_of({0x90, 0xb8, 0x07, 0, 0, 0, 0xe8, 1, 2, 3, 4, 0x0f, 0x05}), -1) << "a call lies between";
  EXPECT_EQ(number_of({0x0f, 0x05}), -1);
  EXPECT_EQ(number_of({0x05}), -1);
  EXPECT_EQ(number_of({}), -1);
}

// A page of code with nothing before it, or something.
class PageTest : public ::testing::Test {
 protected:
  PageTest()
      : pages_(static_cast<std::uint8_t*>(
            mmap(nullptr, 2 * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~PageTest() override {
    munmap(pages_, 2 * kPageBytes);
  }
  // The counter behind a poll whose `syscall` ends so many bytes into the second page.
  std::uintptr_t place(std::size_t bytes) {
    constexpr std::uint8_t kPoll[] = {0xb8, 0x07, 0, 0, 0, 0x0f, 0x05};
    std::uint8_t* const end = pages_ + kPageBytes + bytes;
    std::memcpy(end - sizeof(kPoll), kPoll, sizeof(kPoll));
    return reinterpret_cast<std::uintptr_t>(end);
  }

  std::uint8_t* pages_;
};

TEST_F(PageTest, ItMayBeginOnThePageBefore) {
  EXPECT_EQ(syscall_number_before(place(0)), 7);
  EXPECT_EQ(syscall_number_before(place(3)), 7);
  EXPECT_EQ(syscall_number_before(place(kMostSiteBytes)), 7);
}

TEST_F(PageTest, WhichNeedNotBeThere) {
  const std::uintptr_t counter = place(8);
  ASSERT_EQ(munmap(pages_, kPageBytes), 0);
  EXPECT_EQ(syscall_number_before(counter), -1);
}

}  // namespace
}  // namespace weir
