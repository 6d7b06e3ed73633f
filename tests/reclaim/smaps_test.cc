// smaps_test.cc - the kernel's text as mappings: whole, in pieces of any size, with lines that are none of ours.
#include "reclaim/smaps.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <string>
#include <vector>

#include "tests/core/fake_os.h"

namespace weir::testing {
namespace {

class Gathered final : public MappingVisitor {
 public:
  void visit(const Mapping& mapping) override {
    all.push_back(mapping);
  }
  std::vector<Mapping> all;
};

// As Linux 6.1 writes one.
std::string mapping_text(const std::string& head, int resident_kib, int referenced_kib, const std::string& flags) {
  return head + "\nSize:               1024 kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\nRss:   " +
         std::to_string(resident_kib) + " kB\nPss:                 999 kB\nPss_Dirty:           999 kB\n" +
         "Shared_Clean:          0 kB\nPrivate_Dirty:       999 kB\nReferenced:          " +
         std::to_string(referenced_kib) + " kB\nAnonymous:           999 kB\nSwapPss:               0 kB\n" +
         "THPeligible:    0\nVmFlags: " + flags + "\n";
}

const std::string kHeapHead = "555500000000-555500100000 rw-p 00000000 00:00 0                          [heap]";

std::vector<Mapping> parse(const std::string& text, std::size_t piece = std::string::npos) {
  Gathered gathered;
  SmapsParser parser(gathered);
  for (std::size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at)) {
    parser.take(std::string_view(text).substr(at, piece));
  }
  parser.end();
  return gathered.all;
}

std::vector<AddressRange> ranges(const std::vector<Mapping>& mappings) {
  std::vector<AddressRange> found;
  found.reserve(mappings.size());
  for (const Mapping& mapping : mappings) {
    found.push_back(mapping.range);
  }
  return found;
}

TEST(SmapsTest, AMappingHasItsRangeAndItsFigures) {
  const auto found = parse(mapping_text(kHeapHead, 512, 128, "rd wr mr mw me ac sd"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].range, (AddressRange{0x5555'0000'0000, 0x5555'0010'0000}));
  EXPECT_EQ(found[0].resident, Pages{128});
  EXPECT_EQ(found[0].referenced, Pages{32});
  EXPECT_TRUE(found[0].private_anonymous);
  EXPECT_FALSE(found[0].random || found[0].fixed || found[0].huge);
}

TEST(SmapsTest, OnlyWritablePrivateMemoryOfNoFileIsPrivateAnonymous) {
  const auto is_one = [](const std::string& head) {
    return parse(mapping_text(head, 4, 4, "rd")).at(0).private_anonymous;
  };
  EXPECT_TRUE(is_one("7f0000000000-7f0000100000 rw-p 00000000 00:00 0 "));
  EXPECT_TRUE(is_one("7f0000000000-7f0000100000 rw-p 00000000 00:00 0                          [anon:name]"));
  EXPECT_FALSE(is_one("7f0000000000-7f0000100000 rw-s 00000000 00:00 0 "));
  EXPECT_FALSE(is_one("7f0000000000-7f0000100000 r--p 00000000 00:00 0 "));
  EXPECT_FALSE(is_one("7f0000000000-7f0000100000 rw-p 00001000 fd:00 4711                       /usr/lib/libc.so.6"));
  EXPECT_FALSE(is_one("7f0000000000-7f0000100000 rw-p 00001000 fd:00 4711                       /a b 0 0"));
}

TEST(SmapsTest, TheFlagsOfOneMappingAreNotThoseOfTheNext) {
  const std::string next = "7f0000000000-7f0000100000 rw-p 00000000 00:00 0 ";
  const auto found = parse(mapping_text(kHeapHead, 4, 4, "rd wr rr hg lo") + mapping_text(next, 4, 4, "rd wr "));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(found[0].random && found[0].huge && found[0].fixed);
  EXPECT_FALSE(found[1].random || found[1].huge || found[1].fixed);
}

TEST(SmapsTest, WhatMustBeLeftAloneIsFixed) {
  for (const char* flag : {"lo", "gd", "io", "pf", "ht", "sr", "dc"}) {
    EXPECT_TRUE(parse(mapping_text(kHeapHead, 4, 4, std::string("rd wr ") + flag)).at(0).fixed) << flag;
  }
  EXPECT_FALSE(parse(mapping_text(kHeapHead, 4, 4, "rd wr mr mw me ac sd nh wf mg um uw")).at(0).fixed);
}

TEST(SmapsTest, PiecesOfAnySizeGiveTheSameMappings) {
  const std::string next = "7f0000000000-7f0000100000 rw-p 00000000 00:00 0 ";
  const std::string text = mapping_text(kHeapHead, 512, 128, "rd rr") + mapping_text(next, 256, 64, "rd hg");
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const auto found = parse(text, piece);
    ASSERT_EQ(found.size(), 2U) << piece;
    EXPECT_EQ(found[0].range, (AddressRange{0x5555'0000'0000, 0x5555'0010'0000})) << piece;
    EXPECT_EQ(found[0].referenced, Pages{32}) << piece;
    EXPECT_EQ(found[1].resident, Pages{64}) << piece;
    EXPECT_TRUE(found[0].random && !found[0].huge && found[1].huge && !found[1].random) << piece;
  }
}

TEST(SmapsTest, APathLongerThanTheBufferHarmsNothing) {
  const std::string path(5000, 'a');
  const std::string head = "7f0000000000-7f0000100000 rw-p 00000000 fd:00 4711       /" + path;
  const std::string text = mapping_text(head, 4, 4, "rd") + mapping_text(kHeapHead, 512, 128, "rd");
  for (const std::size_t piece :
       {std::size_t{100}, std::size_t{511}, std::size_t{512}, std::size_t{513}, text.size()}) {
    const auto found = parse(text, piece);
    ASSERT_EQ(found.size(), 2U) << piece;
    EXPECT_FALSE(found[0].private_anonymous);
    EXPECT_EQ(found[1].resident, Pages{128}) << piece;
  }
}

TEST(SmapsTest, WhatIsNoUserMemoryIsNotVisitedNorMixedWithItsNeighbours) {
  const std::string text =
      mapping_text(kHeapHead, 512, 128, "rd") +
      mapping_text("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]", 4, 4, "ex") +
      mapping_text("zz", 8, 8, "lo") + mapping_text("f00", 8, 8, "lo") +
      mapping_text("2000-1000 rw-p 00000000 00:00 0 ", 8, 8, "lo") +
      mapping_text("1001-2000 rw-p 00000000 00:00 0 ", 8, 8, "lo");
  const auto found = parse(text);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].resident, Pages{128});
}

TEST(SmapsTest, FiguresThatAreNoneAreNothing) {
  const auto found = parse(kHeapHead + "\nRss:\nReferenced:      kB\nRss:  18446744073709551616 kB\nVmFlags:\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].resident, Pages::none());
  EXPECT_EQ(found[0].referenced, Pages::none());
}

class SmapsFileTest : public ::testing::Test {
 protected:
  int read(std::size_t bytes) {
    std::vector<char> buffer(bytes);
    return file_.read(os_, buffer.data(), buffer.size(), gathered_);
  }
  FakeOs os_;
  SmapsFile file_;
  Gathered gathered_;
};

TEST_F(SmapsFileTest, IsReadToItsEndWhateverTheBuffer) {
  const std::string next = "7f0000000000-7f0000100000 rw-p 00000000 00:00 0 ";
  os_.put_file("/proc/thread-self/smaps", mapping_text(kHeapHead, 512, 128, "rd") + mapping_text(next, 256, 64, "rd"));
  ASSERT_EQ(file_.open(os_), 0);
  for (const std::size_t bytes : {1U, 7U, 4096U}) {
    gathered_.all.clear();
    EXPECT_EQ(read(bytes), 0);
    EXPECT_THAT(ranges(gathered_.all), ::testing::ElementsAre(AddressRange{0x5555'0000'0000, 0x5555'0010'0000},
                                                              AddressRange{0x7f00'0000'0000, 0x7f00'0010'0000}))
        << bytes;
  }
}

TEST_F(SmapsFileTest, AFailureIsTold) {
  EXPECT_EQ(read(100), EBADF);
  os_.fail(Call::kOpen, EACCES);
  EXPECT_EQ(file_.open(os_), EACCES);
  EXPECT_EQ(read(100), EBADF);
  os_.heal(Call::kOpen);
  os_.put_file("/proc/thread-self/smaps", mapping_text(kHeapHead, 512, 128, "rd"));
  ASSERT_EQ(file_.open(os_), 0);
  os_.fail(Call::kPread, EIO, 1);
  EXPECT_EQ(read(100), EIO);
  file_.forget();
  EXPECT_EQ(read(100), EBADF);
}

// The kernel itself is the referee here: its real text must be understood.
TEST_F(SmapsFileTest, TheRunningKernelTellsOfMemoryThatWasTouched) {
  constexpr std::size_t kBytes = 64 * kPageBytes;
  auto* memory = static_cast<char*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  madvise(memory, kBytes, MADV_RANDOM);  // keeps it apart from its neighbours
  for (std::size_t page = 0; page < 40; ++page) {
    memory[page * kPageBytes] = 1;
  }
  ASSERT_EQ(file_.open(os_), 0);
  ASSERT_EQ(read(4096), 0);
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  int seen = 0;
  for (const Mapping& mapping : gathered_.all) {
    if (mapping.range == AddressRange{begin, begin + kBytes}) {
      ++seen;
      EXPECT_TRUE(mapping.private_anonymous && mapping.random);
      EXPECT_GE(mapping.resident, Pages{40});
      EXPECT_LE(mapping.referenced, mapping.resident);
    }
  }
  EXPECT_EQ(seen, 1);
  munmap(memory, kBytes);
}

}  // namespace
}  // namespace weir::testing
