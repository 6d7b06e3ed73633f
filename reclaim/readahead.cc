// readahead.cc - finding streams, asking ahead of them, judging what came of it.
#include "reclaim/readahead.h"

#include <sys/mman.h>

namespace weir {
namespace {

// Two pages in three, touched in order: reading all of them costs less than faulting two in (zram).
constexpr std::uintptr_t kDenseStep = kPageBytes * 3 / 2;
// Beyond that two samples have nothing to do with each other.
constexpr std::uintptr_t kMostStep = kPageBytes * 16;
// So many samples in a row make a stream.
constexpr int kRunOfStream = 2;
// Nothing to read ahead: look again after so much (fresh memory is sequential, too).
constexpr std::uintptr_t kDryStep = 4 * kMiB;
// What a thread asks for by itself, of pages one by one.
constexpr Pages kHere{256};
constexpr std::uint64_t kSinglyHere = 64;

constexpr std::uintptr_t page_of(std::uintptr_t address) {
  return address & ~(kPageBytes - 1);
}

// How far `edge` lies ahead of `at` in the stream's direction; 0 when it was passed.
std::uintptr_t lead(std::uintptr_t at, std::uintptr_t edge, bool up) {
  if (edge == 0) {
    return 0;
  }
  return up ? (edge > at ? edge - at : 0) : (edge < at ? at - edge : 0);
}

// Whether a step is some number of strides, but for what a stride loses by rounding.
bool is_multiple(std::uintptr_t step, std::uintptr_t stride) {
  return stride != 0 && std::min(step % stride, stride - step % stride) <= step / stride;
}

// Of the pages a scan finds, those that a stride touches.
class TouchedCounter : public RunVisitor {
 public:
  explicit TouchedCounter(const Stride& stride) : stride_(stride) {}
  bool visit(const PageRun& run) override {
    pages_ = pages_ + stride_.inside(run.range).count();
    return true;
  }
  [[nodiscard]] Pages pages() const {
    return pages_;
  }

 private:
  Stride stride_;
  Pages pages_;
};

// Asks for what a stride touches of the pages a scan finds: all in one call where that is every page.
class Asker final : public RunVisitor {
 public:
  Asker(Os& os, const Stride& stride) : os_(os), stride_(stride) {}
  bool visit(const PageRun& run) override {
    const Stride::Numbers touched = stride_.inside(run.range);
    if (stride_.step == kPageBytes) {
      range_ = {pages_ == Pages::none() ? run.range.begin : range_.begin, run.range.end};
    } else {
      for (std::uint64_t number = touched.first; number < touched.end; ++number) {
        static_cast<void>(os_.advise(page_of(stride_.at(number)), kPageBytes, MADV_WILLNEED));
      }
    }
    pages_ = pages_ + touched.count();
    return true;
  }
  Pages finish() {
    if (range_.end != 0) {
      static_cast<void>(os_.advise(range_.begin, range_.bytes(), MADV_WILLNEED));
    }
    return pages_;
  }

 private:
  Os& os_;
  Stride stride_;
  AddressRange range_;
  Pages pages_;
};

// Which pages from `first` on a scan finds.
class PresentPages final : public RunVisitor {
 public:
  static constexpr std::size_t kMost = 2112;  // 128 faults, 16 pages apart, and the last one's

  explicit PresentPages(std::uintptr_t first) : first_(first) {}
  bool visit(const PageRun& run) override {
    for (std::uintptr_t at = run.range.begin; at < run.range.end; at += kPageBytes) {
      if (const std::size_t page = (at - first_) >> kPageShift; page < kMost) {
        present_[page / 64] |= std::uint64_t{1} << (page % 64);
        ++count_;
      }
    }
    return true;
  }
  [[nodiscard]] bool holds(std::uintptr_t address) const {
    const std::size_t page = (address - first_) >> kPageShift;
    return page < kMost && ((present_[page / 64] >> (page % 64)) & 1) != 0;
  }
  [[nodiscard]] std::uint64_t count() const {
    return count_;
  }

 private:
  std::uintptr_t first_;
  std::uint64_t count_ = 0;
  std::uint64_t present_[kMost / 64] = {};
};

}  // namespace

Stride Readahead::Stream::ahead() const {
  const std::uintptr_t at = last.load(std::memory_order_relaxed);
  if (is_dense.load(std::memory_order_relaxed)) {
    return {page_of(at), kPageBytes, up()};
  }
  return {at, stride.load(std::memory_order_relaxed), up()};
}

// True when the sample goes on with a stream.
bool Readahead::note_step(Stream& stream, std::uintptr_t last, std::uintptr_t address, std::uint32_t faults) {
  const bool up = address > last;
  const std::uintptr_t step = up ? address - last : last - address;
  if (step > faults * kMostStep) {
    stream.run.store(0, std::memory_order_relaxed);
    return false;
  }
  int run = stream.run.load(std::memory_order_relaxed);
  run = up ? std::max(run, 0) + 1 : std::min(run, 0) - 1;
  stream.run.store(std::clamp(run, -kRunOfStream, kRunOfStream), std::memory_order_relaxed);
  stream.before.store(last, std::memory_order_relaxed);
  // Two events sample the same faults, so that a step may be one of fewer faults: no sign of a dense stream.
  stream.is_dense.store(
      step <= faults * kDenseStep && !is_multiple(step, stream.stride.load(std::memory_order_relaxed)),
      std::memory_order_relaxed);
  if (run > -kRunOfStream && run < kRunOfStream) {
    stream.edge.store(0, std::memory_order_relaxed);
    return false;
  }
  return true;
}

bool Readahead::note(Os& os, int tid, std::uintptr_t address, std::uint32_t faults, bool reclaimer_idle) {
  Stream& stream = streams_[static_cast<std::size_t>(tid) % kStreams];
  const std::uintptr_t last = stream.last.exchange(address, std::memory_order_relaxed);
  if (stream.tid.exchange(tid, std::memory_order_relaxed) != tid) {
    stream.run.store(0, std::memory_order_relaxed);
    return false;
  }
  // The coarse and the fine event may tell of the same fault.
  if (address == last || !note_step(stream, last, address, faults)) {
    return false;
  }
  const Stride ahead = stream.ahead();
  const std::uintptr_t half = stream.window.load(std::memory_order_relaxed) * ahead.step / 2;
  const std::uintptr_t left = lead(ahead.origin, stream.edge.load(std::memory_order_relaxed), ahead.up);
  if (left > half) {
    return false;
  }
  if (!reclaimer_idle && ahead.any() && left <= faults * ahead.step &&
      stream.paged_out.load(std::memory_order_relaxed)) {
    ask_here(os, stream, ahead, left);
    return false;
  }
  stream.wanted.store(true, std::memory_order_release);
  wishes_.store(true, std::memory_order_release);
  return true;
}

void Readahead::ask_here(Os& os, Stream& stream, const Stride& ahead, std::uintptr_t left) {
  if (ahead.step == kPageBytes) {
    const std::uintptr_t begin =
        ahead.up ? ahead.origin + left : ahead.origin - std::min(ahead.origin, left + kHere.bytes());
    static_cast<void>(os.advise(begin, kHere.bytes(), MADV_WILLNEED));
    stream.edge.store(ahead.up ? begin + kHere.bytes() : begin, std::memory_order_relaxed);
    return;
  }
  // The edge itself was asked for downwards, and not upwards.
  const std::uint64_t first =
      std::max<std::uint64_t>(1, (left + (ahead.up ? ahead.step - 1 : ahead.step)) / ahead.step);
  const std::uint64_t end = first + kSinglyHere;
  for (std::uint64_t number = first; number < end; ++number) {
    static_cast<void>(os.advise(page_of(ahead.at(number)), kPageBytes, MADV_WILLNEED));
  }
  stream.edge.store(page_of(ahead.at(end - 1)) + (ahead.up ? kPageBytes : 0), std::memory_order_relaxed);
}

// What is present between the last two samples was touched there: one page of each object, if it is objects that
// were. False: no stride fits.
bool Readahead::learn_stride(Os& os, Pagemap& pagemap, Stream& stream) {
  constexpr std::uint64_t kLeastPages = 8;
  const std::uintptr_t last = stream.last.load(std::memory_order_relaxed);
  const std::uintptr_t before = stream.before.load(std::memory_order_relaxed);
  const AddressRange between{page_of(std::min(last, before)), page_of(std::max(last, before)) + kPageBytes};
  PresentPages present(between.begin);
  static_cast<void>(pagemap.scan(os, between, present));
  if (present.count() < kLeastPages) {
    return false;
  }
  const Stride stride{before, (std::max(last, before) - std::min(last, before)) / (present.count() - 1), last > before};
  std::uint64_t fitting = 0;
  for (std::uint64_t number = 0; number < present.count(); ++number) {
    fitting += present.holds(stride.at(number)) ? 1 : 0;
  }
  const bool fits = stride.step > kPageBytes && fitting * 8 >= present.count() * 7;
  stream.stride.store(fits ? stride.step : 0, std::memory_order_relaxed);
  return fits;
}

// From the edge, or the stream's place when that has passed it, one window on.
AddressRange Readahead::ahead_of(const Stream& stream, const Stride& stride, Pages most) {
  const std::uintptr_t at = page_of(stride.origin);
  const std::uintptr_t edge = stream.edge.load(std::memory_order_relaxed);
  const std::uintptr_t bytes =
      page_of(std::min(stream.window.load(std::memory_order_relaxed), most.count) * stride.step);
  const std::uintptr_t from = lead(at, edge, stride.up) > 0 ? edge : at;
  if (stride.up) {
    const std::uintptr_t end = std::min(at + bytes, kWholeAddressSpace.end);
    return {std::min(from, end), end};
  }
  const std::uintptr_t begin = at > bytes + kWholeAddressSpace.begin ? at - bytes : kWholeAddressSpace.begin;
  return {begin, std::max(from, begin)};
}

// Windows the stream has passed: what of them is still paged out was not wanted.
void Readahead::judge(Os& os, Pagemap& pagemap, Stream& stream, ReadaheadOutcome& outcome) {
  const std::uintptr_t at = stream.last.load(std::memory_order_relaxed);
  for (Window& window : stream.unjudged) {
    if (window.asked == Pages::none() || (stream.up() ? window.range.end > at : window.range.begin < at)) {
      continue;
    }
    TouchedCounter left(window.stride);
    static_cast<void>(pagemap.scan(os, window.range, left, PageKind::kSwapped));
    const Pages hits = window.asked - left.pages();
    outcome.hits = outcome.hits + hits;
    std::uint64_t size = stream.window.load(std::memory_order_relaxed);
    if (hits.count * 3 >= window.asked.count * 2) {
      size = std::min(size * 2, kMostWindow.count);
    } else if (hits.count * 2 < window.asked.count) {
      size = std::max(size / 2, kLeastWindow.count / 4);
      stream.stride.store(0, std::memory_order_relaxed);  // another one by now, or none
    }
    stream.window.store(size, std::memory_order_relaxed);
    window = {};
  }
}

void Readahead::read_ahead(Os& os, Pagemap& pagemap, Stream& stream, const Stride& stride, AddressRange range,
                           ReadaheadOutcome& outcome) {
  Asker asker(os, stride);
  static_cast<void>(pagemap.scan(os, range, asker, PageKind::kSwapped));
  const Pages asked = asker.finish();
  stream.paged_out.store(asked > Pages::none(), std::memory_order_relaxed);
  if (asked == Pages::none()) {
    rest(stream, range);
    return;
  }
  stream.edge.store(stride.up ? range.end : range.begin, std::memory_order_relaxed);
  stream.unjudged[stream.next_unjudged++ % kUnjudged] = {range, stride, asked};
  outcome.asked = outcome.asked + asked;
}

void Readahead::rest(Stream& stream, AddressRange range) {
  stream.edge.store(stream.up() ? range.end + kDryStep : range.begin - std::min(kDryStep, range.begin),
                    std::memory_order_relaxed);
}

ReadaheadOutcome Readahead::serve(Os& os, Pagemap& pagemap, Pages most) {
  ReadaheadOutcome outcome;
  wishes_.store(false, std::memory_order_relaxed);
  for (Stream& stream : streams_) {
    if (!stream.wanted.load(std::memory_order_relaxed) || !stream.wanted.exchange(false, std::memory_order_acquire)) {
      continue;
    }
    judge(os, pagemap, stream, outcome);
    if (!stream.ahead().any() && !learn_stride(os, pagemap, stream)) {
      const std::uintptr_t at = page_of(stream.last.load(std::memory_order_relaxed));
      rest(stream, {at, at});
      continue;
    }
    const Stride stride = stream.ahead();
    const AddressRange range = ahead_of(stream, stride, most);
    if (stride.any() && range.begin < range.end) {
      read_ahead(os, pagemap, stream, stride, range, outcome);
    }
  }
  return outcome;
}

}  // namespace weir
