// recording_test.cc - what is written is read again, alike and in order; what is damaged is refused; what scans tell.
#include "reclaim/recording.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <random>

#include "reclaim/recorder.h"
#include "reclaim/recording_reader.h"
#include "reclaim/recording_writer.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StrEq;

// Everything a recording tells, as text; and the masks that its changes add up to.
class Told final : public RecordingVisitor {
 public:
  void on_settings(const RecordedSettings& settings) override {
    lines.push_back("settings " + std::to_string(settings.pid) + " " + std::string(settings.program) + " " +
                    std::string(settings.container));
  }
  void on_marks(std::uint64_t us, const Marks& marks, Pages others) override {
    lines.push_back("marks " + std::to_string(us) + " " + std::to_string(marks.limit.count) + " " +
                    std::to_string(others.count));
  }
  void on_change(std::uint64_t us, const RecordedChange& change) override {
    lines.push_back("change " + std::to_string(us) + " " + std::to_string(change.first.number) + "+" +
                    std::to_string(change.length) + " " + std::to_string(change.present) + " " +
                    std::to_string(change.out));
    for (std::uint64_t i = 0; i < change.length; ++i) {
      PageMasks& masks = pages[change.first.number + i];
      masks.present = static_cast<std::uint16_t>(masks.present ^ change.present);
      masks.out = static_cast<std::uint16_t>(masks.out ^ change.out);
    }
  }
  void on_use(std::uint64_t us, const RecordedUse& use) override {
    lines.push_back("use " + std::to_string(us) + " " + std::to_string(use.first.number) + "+" +
                    std::to_string(use.length) + " " + std::to_string(use.referenced.count) + "/" +
                    std::to_string(use.resident.count));
  }
  void on_look(std::uint64_t us, const RecordedLook& look) override {
    lines.push_back("look " + std::to_string(us) + " " + std::to_string(look.flags) + " " +
                    std::to_string(look.evicted.count) + " " + std::to_string(look.came_back.count) + " " +
                    std::to_string(look.charge.count));
  }
  void on_bound(std::uint64_t us) override {
    lines.push_back("bound " + std::to_string(us));
  }
  void on_end(std::uint64_t us, std::uint64_t lost) override {
    lines.push_back("end " + std::to_string(us) + " " + std::to_string(lost));
  }
  std::vector<std::string> lines;
  std::map<std::uint64_t, PageMasks> pages;
};

constexpr std::uint64_t kMs = 1'000'000;

class RecordingTest : public ::testing::Test {
 protected:
  RecordingTest() {
    RecordedSettings settings;
    settings.pid = 77;
    settings.program = "sort";
    settings.container = "a/b";
    writer_.begin(settings, kMs);
  }
  std::string bytes() {
    return std::string(writer_.take());
  }

  std::vector<char> memory_ = std::vector<char>(65536);
  RecordingWriter writer_{memory_.data(), memory_.size()};
};

TEST_F(RecordingTest, EveryKindOfRecordComesBack) {
  writer_.marks(2 * kMs, {Pages::all(), Pages{30}, Pages{20}}, Pages{5});
  writer_.change(3 * kMs, {Granule{0x5555'0000}, 3, 0xFFFF, 0});
  writer_.use(4 * kMs, {Granule{0x5555'0000}, 4, Pages{7}, Pages{48}});
  writer_.use(4 * kMs, {Granule{0x5555'0010}, 1, Pages{1}, Pages{16}});
  writer_.look(5 * kMs, {kLookWorked, Pages{256}, Pages{3}, Pages{900}});
  writer_.end(6 * kMs, 2);
  Told told;
  const RecordingFault fault = read_recording(bytes(), told);
  EXPECT_EQ(fault.reason, nullptr);
  EXPECT_THAT(told.lines, ElementsAre("settings 77 sort a/b", "marks 1000 18446744073709551615 5",
                                      "change 2000 1431633920+3 65535 0", "use 3000 1431633920+4 7/48",
                                      "use 3000 1431633936+1 1/16", "look 4000 1 256 3 900", "end 5000 2"));
}

TEST_F(RecordingTest, ChangesThatAreAlikeAreOne) {
  for (std::uint64_t i = 0; i < 1000; ++i) {
    writer_.change(2 * kMs, {Granule{5000 + i}, 1, 0xFFFF, 0xFFFF});
  }
  EXPECT_LT(bytes().size(), 70U);
  Told told;
  EXPECT_EQ(read_recording(bytes(), told).reason, nullptr);
  EXPECT_THAT(told.lines, ElementsAre("settings 77 sort a/b", "change 1000 5000+1000 65535 65535"));
}

TEST_F(RecordingTest, ManyChangesAtRandomAddUpAlike) {
  std::mt19937 random(4711);
  std::map<std::uint64_t, PageMasks> expected;
  std::string file = bytes();
  writer_.clear();
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t granule = 0x7f00'0000 + random() % 512;
    const std::uint16_t masks[] = {0, 0xFFFF, static_cast<std::uint16_t>(random())};
    const RecordedChange change{Granule{granule}, 1 + static_cast<std::uint32_t>(random() % 40), masks[random() % 3],
                                masks[random() % 3]};
    for (std::uint64_t j = 0; j < change.length; ++j) {
      PageMasks& known = expected[granule + j];
      known.present = static_cast<std::uint16_t>(known.present ^ change.present);
      known.out = static_cast<std::uint16_t>(known.out ^ change.out);
    }
    if (!writer_.change(static_cast<std::uint64_t>(i) * 1000, change)) {
      file += writer_.take();
      writer_.clear();
      ASSERT_TRUE(writer_.change(static_cast<std::uint64_t>(i) * 1000, change));
    }
  }
  file += writer_.take();
  Told told;
  ASSERT_EQ(read_recording(file, told).reason, nullptr);
  for (const auto& [granule, masks] : expected) {
    EXPECT_EQ(told.pages[granule].present, masks.present) << granule;
    EXPECT_EQ(told.pages[granule].out, masks.out) << granule;
  }
}

TEST_F(RecordingTest, WhatDoesNotFitLeavesWholeRecords) {
  std::uint64_t taken = 0;
  while (writer_.change(2 * kMs, {Granule{taken * 9}, 1, 0x1234, 0x4321})) {
    ++taken;
  }
  EXPECT_GT(taken, 5000U);
  EXPECT_LE(writer_.size(), memory_.size());
  Told told;
  EXPECT_EQ(read_recording(bytes(), told).reason, nullptr);
  EXPECT_THAT(told.lines, SizeIs(taken + 1));
}

TEST_F(RecordingTest, EveryCutIsSeenUnlessItLeavesWholeRecords) {
  const std::size_t settings = bytes().size();
  writer_.change(2 * kMs, {Granule{5000}, 1, 0xFFFF, 0});
  const std::size_t whole = bytes().size();
  writer_.look(3 * kMs, {1, Pages{2}, Pages{3}, Pages{4}});
  const std::string file = bytes();
  for (std::size_t size = 0; size < file.size(); ++size) {
    Told told;
    const RecordingFault fault = read_recording(file.substr(0, size), told);
    EXPECT_EQ(fault.reason == nullptr, size == settings || size == whole) << size;
  }
}

TEST_F(RecordingTest, WhatIsNoneIsNamedAsSuch) {
  Told told;
  EXPECT_THAT(read_recording("", told).reason, StrEq("is not a recording"));
  EXPECT_THAT(read_recording("#!/bin/sh\n", told).reason, StrEq("is not a recording"));
  EXPECT_THAT(read_recording("weirrec\2", told).reason, StrEq("is a recording of another version"));
  EXPECT_THAT(read_recording("weirrec", told).reason, StrEq("is cut short"));
  EXPECT_THAT(read_recording(kRecordingMagic, told).reason, StrEq("is cut short"));
  EXPECT_THAT(told.lines, IsEmpty());
}

TEST_F(RecordingTest, DamageIsRefusedWithItsPlace) {
  const std::string good = bytes();
  const auto reason = [&](const std::string& record) {
    Told told;
    const RecordingFault fault = read_recording(good + record, told);
    EXPECT_EQ(fault.at, good.size());
    return std::string(fault.reason == nullptr ? "none" : fault.reason);
  };
  const auto record = [](char type, const std::string& body) {
    return std::string{type, static_cast<char>(body.size()), 0, 0} + body;
  };
  const std::string malformed = "is damaged: a record holds what no recording can";
  EXPECT_EQ(reason(record('X', std::string(1, '\0'))), malformed);
  EXPECT_EQ(reason(record('E', std::string("\0\0\0", 3))), malformed) << "more than there should be";
  EXPECT_EQ(reason(record('D', std::string("\0\1", 2))), malformed) << "less";
  EXPECT_EQ(reason(record('P', std::string("\0\1\1", 3))), malformed) << "before the first granule";
  EXPECT_EQ(reason(record('P', std::string("\0\2\3", 3))), malformed) << "a code that there is not";
  EXPECT_EQ(reason(record('M', std::string("\0\2\3\4\0", 5))), malformed) << "low above limit";
  EXPECT_EQ(reason(record('E', std::string(11, '\x80'))), malformed) << "a number without end";
  EXPECT_EQ(reason(good.substr(kRecordingMagic.size())), "is damaged: its settings do not come first, and once");
}

// The recorder on the machine of the other tests: its file, read back.
class RecorderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base_ = ::testing::TempDir() + "recorder-" + std::to_string(getpid()) + "-" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
    path_ = base_ + "." + std::to_string(kSelf);
    std::remove(path_.c_str());
    ASSERT_EQ(machine_.engine.pagemap.open(machine_.os), 0);
  }
  void TearDown() override {
    std::remove(path_.c_str());
  }
  Told read() {
    std::ifstream file(path_, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    Told told;
    EXPECT_EQ(read_recording(content, told).reason, nullptr);
    return told;
  }
  // Pages present and out, as the file says.
  static std::pair<int, int> sums(const Told& told) {
    int present = 0;
    int out = 0;
    for (const auto& [granule, masks] : told.pages) {
      present += std::popcount(masks.present);
      out += std::popcount(masks.out);
    }
    return {present, out};
  }
  Recorder& recorder() {
    return machine_.engine.recorder;
  }
  void scan(PageKind kind = PageKind::kPresent) {
    PageCounter counter;
    EXPECT_EQ(machine_.engine.pagemap.scan(machine_.os, kWholeAddressSpace, counter, kind), 0);
  }

  Machine machine_{kMarks};
  std::string base_;
  std::string path_;
};

TEST_F(RecorderTest, WhatScansSeeAddsUpToWhatIsThere) {
  machine_.os.touch(0, 100);
  ASSERT_EQ(recorder().open(machine_.engine, base_), 0);
  scan();
  machine_.os.touch(200, 50);
  const EvictOutcome evicted = evict_batch(machine_.engine, machine_.engine.pagemap, {Pages{64}});
  EXPECT_GE(evicted.done, Pages{64});
  machine_.os.touch(0, 10);
  scan();
  recorder().end();
  EXPECT_EQ(sums(read()), std::pair(static_cast<int>(machine_.os.resident()), static_cast<int>(machine_.os.swapped())));
  EXPECT_FALSE(recorder().is_on());
}

TEST_F(RecorderTest, PagesThatTheProgramGaveUpAreNotOut) {
  machine_.os.touch(0, 100);
  ASSERT_EQ(recorder().open(machine_.engine, base_), 0);
  scan();
  machine_.os.drop_all();
  scan();
  recorder().end();
  EXPECT_EQ(sums(read()), std::pair(0, 0));
}

TEST_F(RecorderTest, WhatLeftUnseenIsFoundInSwap) {
  machine_.os.touch(0, 100);
  ASSERT_EQ(recorder().open(machine_.engine, base_), 0);
  scan();
  machine_.os.page_out_all();
  scan(PageKind::kSwapped);
  recorder().end();
  EXPECT_EQ(sums(read()), std::pair(0, 100));
}

TEST_F(RecorderTest, TheBoundOfTheFileIsKeptAndTold) {
  ASSERT_EQ(recorder().open(machine_.engine, base_, 4096), 0);
  for (std::uint64_t round = 0; round < 400 && !recorder().met_bound(); ++round) {
    machine_.os.touch(round * 40 + 3, 5);
    scan();
    recorder().flush();
  }
  EXPECT_TRUE(recorder().met_bound());
  EXPECT_FALSE(recorder().is_on());
  const Told told = read();
  EXPECT_THAT(told.lines.back(), ::testing::StartsWith("bound "));
  std::ifstream file(path_, std::ios::binary | std::ios::ate);
  EXPECT_LE(file.tellg(), 4096 + 16);
}

TEST_F(RecorderTest, AFileThatIsThereIsKept) {
  std::ofstream(path_) << "somebody's";
  ASSERT_EQ(recorder().open(machine_.engine, base_), 0);
  recorder().end();
  const std::string second = path_ + ".2";
  std::ifstream old(path_);
  std::string content;
  old >> content;
  EXPECT_EQ(content, "somebody's");
  EXPECT_TRUE(std::ifstream(second).good());
  std::remove(second.c_str());
}

TEST_F(RecorderTest, AFolderThatIsNotThereIsAnError) {
  EXPECT_EQ(recorder().open(machine_.engine, "/proc/self/nowhere/recording"), ENOENT);
  EXPECT_FALSE(recorder().is_on());
  scan();  // nothing listens
}

}  // namespace
}  // namespace weir::testing
