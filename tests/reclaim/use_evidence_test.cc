// use_evidence_test.cc - a pass reads, warms or cools, cuts the odd chunks, clears; mend undoes the cuts.
#include "reclaim/use_evidence.h"

#include <gmock/gmock.h>

#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kCold = 20;  // MADV_COLD
constexpr std::uintptr_t kChunk = UseEvidence::kLeastChunk;

// A machine whose smaps the test writes, and that notes what is advised beside paging out.
class EvidenceOs : public MachineOs {
 public:
  // A mapping of the heap, from byte `begin` on, of which so many pages are resident and used.
  void map(std::uintptr_t begin, std::size_t bytes, int resident, int referenced, const std::string& flags = "",
           const std::string& perms = "rw-p") {
    char head[64];
    std::snprintf(head, sizeof(head), "%lx-%lx %s 00000000 00:00 0 \n", static_cast<unsigned long>(kHeap + begin),
                  static_cast<unsigned long>(kHeap + begin + bytes), perms.c_str());
    text_ += head + ("Rss: " + std::to_string(resident * 4)) + " kB\nReferenced: " + std::to_string(referenced * 4) +
             " kB\nVmFlags: rd wr " + flags + "\n";
    put_file("/proc/thread-self/smaps", text_);
  }
  void unmap_all() {
    text_.clear();
    put_file("/proc/thread-self/smaps", text_);
  }
  SysResult advise(std::uintptr_t address, std::size_t bytes, int advice) override {
    advised.push_back({advice, {address - kHeap, address - kHeap + bytes}});
    return SysResult(0);
  }
  // Of one kind, relative to the heap.
  [[nodiscard]] std::vector<AddressRange> ranges(int advice) const {
    std::vector<AddressRange> found;
    for (const auto& [kind, range] : advised) {
      if (kind == advice) {
        found.push_back(range);
      }
    }
    return found;
  }
  std::vector<std::pair<int, AddressRange>> advised;

 private:
  std::string text_;
};

class UseEvidenceTest : public ::testing::Test {
 protected:
  UseEvidenceTest() {
    os_.unmap_all();
    pagemap_.open(os_);
  }
  // The first so many pages of the heap are resident and ranked.
  void hold(std::uint64_t pages) {
    os_.touch(0, pages);
    ASSERT_EQ(shared_.ranking.build(os_, pagemap_, {}, true), 0);
  }
  int pass() {
    evidence_.open(os_);
    os_.advised.clear();
    return evidence_.pass(os_, shared_);
  }
  std::uint32_t heat(std::uint64_t granule) {
    return shared_.ranking.map().find_or_make(os_, Granule::holding(kHeap + granule * kGranuleBytes))->heat;
  }

  EvidenceOs os_;
  ScanBuffer buffer_;
  Pagemap pagemap_{buffer_};
  SharedRanking shared_;
  UseEvidence evidence_;
};

TEST_F(UseEvidenceTest, WhatWasUsedIsWarmAndTheRestCools) {
  hold(128);
  os_.map(0, kChunk, 64, 64);
  os_.map(kChunk, kChunk, 64, 0, "rr");
  ASSERT_EQ(pass(), 0);
  const auto cold = heat(4);
  EXPECT_GT(heat(0), cold);
  for (int i = 0; i < 8; ++i) {
    ASSERT_EQ(pass(), 0);
  }
  EXPECT_GE(heat(3), 250U);
  EXPECT_EQ(heat(4), 0U);
  EXPECT_EQ(heat(7), 0U);
}

TEST_F(UseEvidenceTest, FromThenOnTheRankingGoesByUse) {
  hold(128);
  os_.map(0, kChunk, 64, 64);
  os_.map(kChunk, kChunk, 64, 0, "rr");
  for (int i = 0; i < 8; ++i) {
    ASSERT_EQ(pass(), 0);
  }
  ASSERT_EQ(shared_.ranking.build(os_, pagemap_, {}, true), 0);
  Candidate candidate;
  ASSERT_TRUE(shared_.ranking.next(candidate));
  EXPECT_EQ(candidate.granule, Granule::holding(kHeap + kChunk));
}

TEST_F(UseEvidenceTest, TheOddChunksOfALongMappingAreCutOut) {
  hold(320);
  os_.map(0, 5 * kChunk, 320, 100);
  ASSERT_EQ(pass(), 0);
  const std::uintptr_t first = kHeap / kChunk % 2 == 1 ? 0 : kChunk;
  std::vector<AddressRange> odd;
  for (std::uintptr_t at = first; at < 5 * kChunk; at += 2 * kChunk) {
    odd.push_back({at, at + kChunk});
  }
  EXPECT_EQ(os_.ranges(MADV_RANDOM), odd);
}

TEST_F(UseEvidenceTest, ACutIsNeverLongerThanItsMapping) {
  const std::uintptr_t odd = kHeap / kChunk % 2 == 1 ? 0 : kChunk;
  hold(256);
  os_.map(odd + 4 * kPageBytes, 2 * kChunk + 4 * kPageBytes, 120, 0);
  ASSERT_EQ(pass(), 0);
  EXPECT_THAT(os_.ranges(MADV_RANDOM), ElementsAre(AddressRange{odd + 4 * kPageBytes, odd + kChunk},
                                                   AddressRange{odd + 2 * kChunk, odd + 2 * kChunk + 8 * kPageBytes}));
}

TEST_F(UseEvidenceTest, AMappingOfOneChunkIsSmallEnough) {
  hold(256);
  os_.map(4 * kPageBytes, kChunk, 60, 0);
  ASSERT_EQ(pass(), 0);
  EXPECT_THAT(os_.ranges(MADV_RANDOM), IsEmpty());
}

TEST_F(UseEvidenceTest, ChunksWithoutMemoryAreNotCut) {
  hold(16);
  os_.map(0, 64 * kMiB, 16, 4);
  ASSERT_EQ(pass(), 0);
  EXPECT_LE(os_.ranges(MADV_RANDOM).size(), 1U);
}

TEST_F(UseEvidenceTest, WhatTheProgramMarkedAsRandomIsNotCut) {
  hold(1024);
  os_.map(0, 16 * kChunk, 1024, 4, "rr");
  ASSERT_EQ(pass(), 0);
  EXPECT_THAT(os_.ranges(MADV_RANDOM), IsEmpty());
  EXPECT_FALSE(os_.ranges(kCold).empty()) << "judged it is all the same";
}

TEST_F(UseEvidenceTest, HugePagesAreNotCutThrough) {
  hold(2048);
  os_.map(0, 8 * kMiB, 2048, 4, "hg");
  ASSERT_EQ(pass(), 0);
  for (const AddressRange& range : os_.ranges(MADV_RANDOM)) {
    EXPECT_EQ((kHeap + range.begin) % (2 * kMiB), 0U);
    EXPECT_EQ(range.bytes(), 2 * kMiB);
  }
  EXPECT_EQ(os_.ranges(MADV_RANDOM).size(), 2U);
}

TEST_F(UseEvidenceTest, WhatIsNobodysToJudgeIsLeftAlone) {
  hold(1024);
  const auto before = heat(0);
  os_.map(0, kMiB, 256, 0, "lo");
  os_.map(kMiB, kMiB, 256, 0, "", "rw-s");
  os_.map(2 * kMiB, kMiB, 0, 0);
  ASSERT_EQ(pass(), 0);
  EXPECT_THAT(os_.advised, IsEmpty());
  EXPECT_EQ(heat(0), before);
}

TEST_F(UseEvidenceTest, NeighboursAreClearedInOneCallAndHolesAreNotTouched) {
  hold(256);
  os_.map(0, kChunk, 64, 64);
  os_.map(kChunk, kChunk, 64, 0, "rr");
  os_.map(3 * kChunk, kChunk, 64, 0);
  ASSERT_EQ(pass(), 0);
  EXPECT_THAT(os_.ranges(kCold), ElementsAre(AddressRange{0, 2 * kChunk}, AddressRange{3 * kChunk, 4 * kChunk}));
}

TEST_F(UseEvidenceTest, OneCallClearsSixteenMiBAtMost) {
  hold(64);
  for (std::uintptr_t at = 0; at < 40 * kMiB; at += 4 * kMiB) {
    os_.map(at, 4 * kMiB, 4, 4);
  }
  ASSERT_EQ(pass(), 0);
  std::uintptr_t end = 0;
  for (const AddressRange& range : os_.ranges(kCold)) {
    EXPECT_EQ(range.begin, end);
    EXPECT_LE(range.bytes(), 16 * kMiB);
    end = range.end;
  }
  EXPECT_EQ(end, 40 * kMiB);
}

TEST_F(UseEvidenceTest, MendingTouchesNothingThatWasNeverCut) {
  evidence_.mend(os_, {kHeap, kHeap + kMiB});
  EXPECT_THAT(os_.advised, IsEmpty());
  hold(320);
  os_.map(0, 5 * kChunk, 320, 100);
  ASSERT_EQ(pass(), 0);
  evidence_.mend(os_, {kHeap, kHeap + kMiB});
  EXPECT_THAT(os_.ranges(MADV_NORMAL), ElementsAre(AddressRange{0, kMiB}));
  evidence_.mend(os_, {kHeap, kHeap});
  EXPECT_EQ(os_.ranges(MADV_NORMAL).size(), 1U) << "an empty range is none";
}

TEST_F(UseEvidenceTest, TooManyMappingsAreNotMadeMore) {
  hold(256);
  for (std::size_t i = 0; i < UseEvidence::kMostMappings; ++i) {
    os_.map(64 * kMiB + 2 * i * kPageBytes, kPageBytes, 1, 0, "", "r--p");
  }
  os_.map(0, kMiB, 256, 4);
  ASSERT_EQ(pass(), 0);
  EXPECT_THAT(os_.ranges(MADV_RANDOM), IsEmpty());
}

TEST_F(UseEvidenceTest, IsDueAgainWhenATwentiethOfTheTimeWouldPay) {
  EXPECT_TRUE(evidence_.is_due(os_.now_ns())) << "nobody has looked yet";
  hold(64);
  os_.map(0, kChunk, 64, 64);
  os_.interleave(Call::kPread, [&] { os_.advance(2'000'000); });
  ASSERT_EQ(pass(), 0);
  os_.interleave(Call::kPread, {});
  const std::uint64_t took = 4'000'000;  // one pread for the text, one for its end
  const std::uint64_t start = os_.now_ns() - took;
  EXPECT_FALSE(evidence_.is_due(start + 20 * took - 1));
  EXPECT_TRUE(evidence_.is_due(start + 20 * took));
}

TEST_F(UseEvidenceTest, AFailureIsToldAndChangesNothing) {
  hold(64);
  os_.map(0, kChunk, 64, 0);
  const auto before = heat(0);
  EXPECT_EQ(evidence_.pass(os_, shared_), EBADF) << "not open";
  os_.fail(Call::kPread, EIO);
  EXPECT_EQ(pass(), EIO);
  os_.heal(Call::kPread);
  ASSERT_TRUE(shared_.lock.lock(os_, 0));
  EXPECT_EQ(pass(), EBUSY);
  shared_.lock.unlock(os_);
  EXPECT_EQ(heat(0), before);
  EXPECT_THAT(os_.advised, IsEmpty()) << "what was not booked is not cleared";
}

TEST_F(UseEvidenceTest, ALongPassIsInterrupted) {
  class Counted final : public Interlude {
   public:
    void interlude() override {
      ++times;
    }
    int times = 0;
  };
  Counted counted;
  for (std::uint64_t i = 0; i < 320; ++i) {
    os_.map(i * kChunk, kChunk, 64, 64);
  }
  hold(64);
  evidence_.open(os_);
  ASSERT_EQ(evidence_.pass(os_, shared_, UseEvidence::For::kRanking, &counted), 0);
  EXPECT_GE(counted.times, 10) << "320 mappings, by 32";
}

TEST_F(UseEvidenceTest, WithoutMemoryForItsTablesItSaysSo) {
  os_.fail(Call::kMapAnonymous, ENOMEM, 1);
  EXPECT_EQ(pass(), ENOMEM);
  EXPECT_EQ(pass(), 0) << "and has them when there is some again";
}

}  // namespace
}  // namespace weir::testing
