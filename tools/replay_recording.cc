// replay_recording.cc - reading a file, ordering and spreading what it tells.
#include "tools/replay_recording.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "reclaim/recording_reader.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr std::uint64_t kUsNs = 1000;
constexpr unsigned kRootShift = 14;       // granules of a GiB
constexpr std::uint64_t kFirstRoot = 64;  // GiB: above what is linked low, below everything that is mapped
constexpr std::size_t kMostRoots = 8192;
constexpr std::uint32_t kPiece = 4;
constexpr std::size_t kMostSteps = std::size_t{1} << 23U;

// Gathers steps. Those found at one time are spread over the time since the ones before.
class Gatherer final : public RecordingVisitor {
 public:
  explicit Gatherer(ReplayRecording& out) : out_(out) {}

  void on_settings(const RecordedSettings& settings) override {
    out_.pid = settings.pid;
    out_.flags = settings.flags;
    out_.wall_ns = settings.wall_ns;
    out_.program = settings.program;
    out_.container = settings.container;
    out_.own = settings.own;
  }
  void on_marks(std::uint64_t us, const Marks& marks, Pages others) override {
    ReplayStep step;
    step.ns = us * kUsNs;
    step.kind = ReplayStep::Kind::kMarks;
    step.length = static_cast<std::uint32_t>(out_.marks.size());
    out_.marks.push_back({step.ns, marks, others});
    out_.steps.push_back(step);
    come_to(us);
  }
  void on_change(std::uint64_t us, const RecordedChange& change) override {
    ReplayStep step;
    step.present = change.present;
    step.out = change.out;
    // In pieces, so that much memory that was found at once grows little by little.
    for (std::uint32_t done = 0; done < change.length && out_.steps.size() < kMostSteps; done += kPiece) {
      step.first = Granule{change.first.number + done};
      step.length = std::min(change.length - done, kPiece);
      changes_.add(out_.steps, us, step);
    }
    come_to(us);
  }
  void on_use(std::uint64_t us, const RecordedUse& use) override {
    ReplayStep step;
    step.kind = ReplayStep::Kind::kUse;
    step.first = use.first;
    step.length = static_cast<std::uint32_t>(use.length);  // granules of the address space: 31 bits
    step.referenced = static_cast<std::uint32_t>(std::min<std::uint64_t>(use.referenced.count, UINT32_MAX));
    step.resident = static_cast<std::uint32_t>(std::min<std::uint64_t>(use.resident.count, UINT32_MAX));
    if (out_.steps.size() < kMostSteps) {
      uses_.add(out_.steps, us, step);
    }
    come_to(us);
  }
  void on_look(std::uint64_t us, const RecordedLook& look) override {
    out_.counts.evicted = out_.counts.evicted + look.evicted;
    out_.counts.came_back = out_.counts.came_back + look.came_back;
    out_.counts.passes += (look.flags & kLookWorked) != 0 ? 1 : 0;
    come_to(us);
  }
  void on_bound(std::uint64_t us) override {
    out_.met_bound = true;
    come_to(us);
  }
  void on_end(std::uint64_t us, std::uint64_t lost) override {
    out_.complete = true;
    out_.lost = lost;
    come_to(us);
  }
  void finish() {
    changes_.spread(out_.steps);
    uses_.spread(out_.steps);
    std::stable_sort(out_.steps.begin(), out_.steps.end(),
                     [](const ReplayStep& a, const ReplayStep& b) { return a.ns < b.ns; });
  }

 private:
  // Steps of one kind that were found at one time.
  struct Batch {
    std::vector<std::size_t> steps;
    std::uint64_t us = 0;
    std::uint64_t before_us = 0;

    void add(std::vector<ReplayStep>& all, std::uint64_t at_us, const ReplayStep& step) {
      if (at_us != us) {
        spread(all);
        before_us = us;
        us = at_us;
      }
      steps.push_back(all.size());
      all.push_back(step);
    }
    void spread(std::vector<ReplayStep>& all) {
      const std::uint64_t span = (us - before_us) * kUsNs;
      for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto share = static_cast<unsigned __int128>(span) * (i + 1) / steps.size();
        all[steps[i]].ns = before_us * kUsNs + static_cast<std::uint64_t>(share);
      }
      steps.clear();
    }
  };

  void come_to(std::uint64_t us) {
    out_.length_ns = us * kUsNs;
  }

  ReplayRecording& out_;
  Batch changes_;
  Batch uses_;
};

// Where each GiB that the recording knows of goes.
class Mover {
 public:
  void know(std::uint64_t first, std::uint64_t length) {
    for (std::uint64_t root = first >> kRootShift; root <= (first + length - 1) >> kRootShift; ++root) {
      roots_[root] = 0;
      if (roots_.size() > kMostRoots) {
        return;
      }
    }
  }
  // False: there are too many.
  bool place() {
    std::uint64_t to = kFirstRoot;
    std::uint64_t before = UINT64_MAX - 1;
    for (auto& [root, place] : roots_) {
      to += root == before + 1 ? 1 : 2;  // what was apart stays so
      place = to;
      before = root;
    }
    return roots_.size() <= kMostRoots;
  }
  void move(Granule& first) const {
    const auto root = roots_.find(first.number >> kRootShift);
    if (root != roots_.end()) {
      first.number = (root->second << kRootShift) | (first.number % (std::uint64_t{1} << kRootShift));
    }
  }

 private:
  std::map<std::uint64_t, std::uint64_t> roots_;
};

bool move_addresses(ReplayRecording& recording) {
  Mover mover;
  const Granule own = Granule::holding(recording.own.begin);
  mover.know(own.number, (recording.own.bytes() >> kGranuleShift) + 2);
  for (const ReplayStep& step : recording.steps) {
    if (step.kind == ReplayStep::Kind::kChange) {
      mover.know(step.first.number, step.length);
    }
  }
  if (!mover.place()) {
    return false;
  }
  for (ReplayStep& step : recording.steps) {
    if (step.kind != ReplayStep::Kind::kMarks) {
      mover.move(step.first);
    }
  }
  Granule moved = own;
  mover.move(moved);
  const std::uintptr_t begin = moved.range().begin + recording.own.begin % kGranuleBytes;
  recording.own = {begin, begin + recording.own.bytes()};
  return true;
}

// What the recorded scans themselves say: the most that was present, and for how long that was above high.
class Recount {
 public:
  // False: the recording contradicts itself.
  bool take(const ReplayStep& step, const ReplayRecording& recording) {
    if (is_over()) {
      over_ns_ += step.ns - at_ns_;
    }
    at_ns_ = step.ns;
    if (step.kind == ReplayStep::Kind::kMarks) {
      marks_ = &recording.marks[step.length];
    }
    for (std::uint32_t i = 0; step.kind == ReplayStep::Kind::kChange && i < step.length; ++i) {
      auto& [present, out] = masks_[step.first.number + i];
      const int before = std::popcount(present);
      present = static_cast<std::uint16_t>(present ^ step.present);
      out = static_cast<std::uint16_t>(out ^ step.out);
      if ((present & out) != 0 || masks_.size() > kMostGranules) {
        return false;
      }
      pages_ += std::popcount(present) - before;
      peak_ = std::max(peak_, pages_);
    }
    return true;
  }
  void book(ReplayRecording& recording) const {
    recording.counts.peak = Pages{static_cast<std::uint64_t>(peak_)};
    recording.counts.over_high_ns = over_ns_ + (is_over() ? recording.length_ns - at_ns_ : 0);
  }

 private:
  static constexpr std::size_t kMostGranules = std::size_t{1} << 22U;  // 256 GiB

  [[nodiscard]] bool is_over() const {
    return marks_ != nullptr && Pages{static_cast<std::uint64_t>(pages_)} + marks_->others > marks_->marks.high;
  }

  std::map<std::uint64_t, std::pair<std::uint16_t, std::uint16_t>> masks_;
  const RecordedMarks* marks_ = nullptr;
  std::int64_t pages_ = 0;
  std::int64_t peak_ = 0;
  std::uint64_t at_ns_ = 0;
  std::uint64_t over_ns_ = 0;
};

}  // namespace

ReplayRecording decode_recording(const std::string& name, std::string_view bytes) {
  ReplayRecording recording;
  Gatherer gatherer(recording);
  const RecordingFault fault = read_recording(bytes, gatherer);
  if (fault.reason != nullptr) {
    refuse(shown(name) + " " + fault.reason + " (at byte " + std::to_string(fault.at) + ")");
  }
  gatherer.finish();
  if (recording.steps.size() >= kMostSteps) {
    refuse(shown(name) + " holds more changes than a recording can");
  }
  if (!move_addresses(recording)) {
    refuse(shown(name) + " is damaged: its memory lies in more places than a process can have");
  }
  Recount recount;
  for (const ReplayStep& step : recording.steps) {
    if (!recount.take(step, recording)) {
      refuse(shown(name) + " is damaged: it contradicts itself");
    }
  }
  recount.book(recording);
  return recording;
}

ReplayRecording load_recording(const std::string& path, std::size_t& bytes) {
  if (std::filesystem::is_directory(path)) {
    refuse(shown(path) + " is a folder, not a recording");
  }
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path)) {
    refuse(shown(path) + " is no file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    refuse("cannot read " + shown(path) + ": " + error_text(errno));
  }
  const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) {
    refuse("cannot read " + shown(path));
  }
  bytes = content.size();
  return decode_recording(path, content);
}

}  // namespace weir
