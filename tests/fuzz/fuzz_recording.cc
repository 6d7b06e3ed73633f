// fuzz_recording.cc - the reader of recordings on arbitrary bytes, and on records of arbitrary numbers.
#include <fuzzer/FuzzedDataProvider.h>

#include "reclaim/recording_reader.h"
#include "reclaim/recording_writer.h"
#include "tests/fuzz/fuzz_support.h"

namespace weir::fuzz {
namespace {

// What must be true of anything that is visited.
class Judge final : public RecordingVisitor {
 public:
  void on_settings(const RecordedSettings& settings) override {
    require(!begun_, "settings come once");
    require(settings.own.begin <= settings.own.end, "its own range is one");
    begun_ = true;
  }
  void on_marks(std::uint64_t us, const Marks& marks, Pages) override {
    come_to(us);
    require(marks.ordered(), "low <= high <= limit");
  }
  void on_change(std::uint64_t us, const RecordedChange& change) override {
    come_to(us);
    require(change.length >= 1 && change.length <= kMostAlike, "a change is of some granules");
    require_inside(change.first, change.length);
  }
  void on_use(std::uint64_t us, const RecordedUse& use) override {
    come_to(us);
    require_inside(use.first, use.length);
  }
  void on_look(std::uint64_t us, const RecordedLook&) override {
    come_to(us);
  }
  void on_bound(std::uint64_t us) override {
    come_to(us);
    ended_ = true;
  }
  void on_end(std::uint64_t us, std::uint64_t) override {
    come_to(us);
    ended_ = true;
  }

 private:
  static void require_inside(Granule first, std::uint64_t length) {
    require(first.number < kGranulesInAll && length <= kGranulesInAll - first.number, "granules of the address space");
  }
  void come_to(std::uint64_t us) {
    require(begun_, "settings come first");
    require(!ended_, "nothing comes behind the end");
    require(us >= us_, "time does not go back");
    us_ = us;
  }

  bool begun_ = false;
  bool ended_ = false;
  std::uint64_t us_ = 0;
};

// A recording as the writer makes it, of the fuzzer's numbers; then some of its bytes are the fuzzer's.
std::string damaged_recording(FuzzedDataProvider& data) {
  char memory[16384];
  RecordingWriter writer(memory, sizeof(memory));
  RecordedSettings settings;
  const std::string program = data.ConsumeRandomLengthString(16);
  settings.program = program;
  writer.begin(settings, 0);
  std::uint64_t now = 0;
  for (int i = 0; i < 200 && data.remaining_bytes() > 0; ++i) {
    now += data.ConsumeIntegral<std::uint32_t>();
    const Granule first{data.ConsumeIntegralInRange<std::uint64_t>(0, kGranulesInAll - kMostAlike - 1)};
    if (data.ConsumeBool()) {
      writer.change(now, {first, data.ConsumeIntegralInRange<std::uint32_t>(1, kMostAlike),
                          data.ConsumeIntegral<std::uint16_t>(), data.ConsumeIntegral<std::uint16_t>()});
    } else {
      writer.use(now, {first, data.ConsumeIntegralInRange<std::uint64_t>(1, 1000),
                       Pages{data.ConsumeIntegral<std::uint32_t>()}, Pages{data.ConsumeIntegral<std::uint32_t>()}});
    }
  }
  std::string bytes(writer.take());
  Judge judge;
  require(read_recording(bytes, judge).reason == nullptr, "what the writer wrote can be read");
  for (int i = 0; i < 8 && data.remaining_bytes() > 2; ++i) {
    bytes[data.ConsumeIntegralInRange<std::size_t>(0, bytes.size() - 1)] = data.ConsumeIntegral<char>();
  }
  return bytes;
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace weir;
  using namespace weir::fuzz;
  FuzzedDataProvider data(bytes, size);
  const std::string text = data.ConsumeBool() ? damaged_recording(data)
                                              : std::string(kRecordingMagic) + data.ConsumeRemainingBytesAsString();
  print_code("read_recording(" + literal(text) + ", visitor);");
  const ExactBytes exact(text);
  Judge judge;
  const RecordingFault fault = read_recording(exact.view(), judge);
  require(fault.at <= exact.view().size(), "a fault has a place in the file");
  return 0;
}
