// readahead.cc - finding streams, asking ahead of them, judging what came of it.
#include "reclaim/readahead.h"

#include <sys/mman.h>

#include <algorithm>

namespace weir {
namespace {

// Two pages in three, touched in order: reading all of them costs less than faulting two in (zram).
constexpr std::uintptr_t kMostStride = kPageBytes * 3 / 2;
// So many samples in a row make a stream.
constexpr int kRunOfStream = 2;
// Nothing paged out ahead: look again after so much (fresh memory is sequential, too).
constexpr std::uintptr_t kDryStep = 4 * kMiB;

// How far `edge` lies ahead of `at` in the stream's direction; 0 when it was passed.
std::uintptr_t lead(std::uintptr_t at, std::uintptr_t edge, bool up) {
  if (edge == 0) {
    return 0;
  }
  return up ? (edge > at ? edge - at : 0) : (edge < at ? at - edge : 0);
}

// The runs of a scan as one range and their pages.
class Extent final : public RunVisitor {
 public:
  bool visit(const PageRun& run) override {
    range_ = {pages_ == Pages::none() ? run.range.begin : range_.begin, run.range.end};
    pages_ = pages_ + run.range.pages();
    return true;
  }
  [[nodiscard]] AddressRange range() const {
    return range_;
  }
  [[nodiscard]] Pages pages() const {
    return pages_;
  }

 private:
  AddressRange range_;
  Pages pages_;
};

}  // namespace

bool Readahead::note(Os& os, int tid, std::uintptr_t address, std::uint32_t faults, bool reclaimer_idle) {
  Stream& stream = streams_[static_cast<std::size_t>(tid) % kStreams];
  const std::uintptr_t last = stream.last.exchange(address, std::memory_order_relaxed);
  if (stream.tid.exchange(tid, std::memory_order_relaxed) != tid) {
    stream.run.store(0, std::memory_order_relaxed);
    return false;
  }
  const bool up = address > last;
  const std::uintptr_t step = up ? address - last : last - address;
  int run = stream.run.load(std::memory_order_relaxed);
  if (step == 0) {
    return false;  // the coarse and the fine event tell of the same fault
  }
  if (step > faults * kMostStride) {
    stream.run.store(0, std::memory_order_relaxed);
    return false;
  }
  run = up ? std::max(run, 0) + 1 : std::min(run, 0) - 1;
  stream.run.store(std::clamp(run, -kRunOfStream, kRunOfStream), std::memory_order_relaxed);
  if (run > -kRunOfStream && run < kRunOfStream) {
    stream.edge.store(0, std::memory_order_relaxed);
    return false;
  }
  const std::uintptr_t half = stream.window.load(std::memory_order_relaxed) * kPageBytes / 2;
  const std::uintptr_t edge = stream.edge.load(std::memory_order_relaxed);
  const std::uintptr_t left = lead(address, edge, up);
  if (left > half) {
    return false;
  }
  if (!reclaimer_idle && left == 0 && stream.paged_out.load(std::memory_order_relaxed)) {
    ask_here(os, stream, address, up);
    return false;
  }
  stream.wanted.store(true, std::memory_order_release);
  wishes_.store(true, std::memory_order_release);
  return true;
}

void Readahead::ask_here(Os& os, Stream& stream, std::uintptr_t address, bool up) {
  const std::uintptr_t at = address & ~(kPageBytes - 1);
  const std::uintptr_t begin = up ? at : at - std::min(at, kHere.bytes());
  static_cast<void>(os.advise(begin, kHere.bytes(), MADV_WILLNEED));
  stream.edge.store(up ? begin + kHere.bytes() : begin, std::memory_order_relaxed);
}

// From the edge, or the stream's place when that has passed it, one window on.
AddressRange Readahead::ahead_of(const Stream& stream, Pages most) {
  const bool up = stream.run.load(std::memory_order_relaxed) > 0;
  const std::uintptr_t at = stream.last.load(std::memory_order_relaxed) & ~(kPageBytes - 1);
  const std::uintptr_t edge = stream.edge.load(std::memory_order_relaxed);
  const std::uintptr_t bytes = std::min(stream.window.load(std::memory_order_relaxed), most.count) * kPageBytes;
  const std::uintptr_t from = lead(at, edge, up) > 0 ? edge : at;
  if (up) {
    const std::uintptr_t end = std::min(at + bytes, kWholeAddressSpace.end);
    return {std::min(from, end), end};
  }
  const std::uintptr_t begin = at > bytes + kWholeAddressSpace.begin ? at - bytes : kWholeAddressSpace.begin;
  return {begin, std::max(from, begin)};
}

// Windows the stream has passed: what of them is still paged out was not wanted.
void Readahead::judge(Os& os, Pagemap& pagemap, Stream& stream, ReadaheadOutcome& outcome) {
  const bool up = stream.run.load(std::memory_order_relaxed) > 0;
  const std::uintptr_t at = stream.last.load(std::memory_order_relaxed);
  for (Window& window : stream.unjudged) {
    if (window.asked == Pages::none() || (up ? window.range.end > at : window.range.begin < at)) {
      continue;
    }
    PageCounter left;
    static_cast<void>(pagemap.scan(os, window.range, left, PageKind::kSwapped));
    const Pages hits = window.asked - left.pages();
    outcome.hits = outcome.hits + hits;
    std::uint64_t size = stream.window.load(std::memory_order_relaxed);
    if (hits.count * 3 >= window.asked.count * 2) {
      size = std::min(size * 2, kMostWindow.count);
    } else if (hits.count * 2 < window.asked.count) {
      size = std::max(size / 2, kLeastWindow.count / 4);
    }
    stream.window.store(size, std::memory_order_relaxed);
    window = {};
  }
}

void Readahead::read_ahead(Os& os, Pagemap& pagemap, Stream& stream, AddressRange range, ReadaheadOutcome& outcome) {
  const bool up = stream.run.load(std::memory_order_relaxed) > 0;
  Extent extent;
  static_cast<void>(pagemap.scan(os, range, extent, PageKind::kSwapped));
  stream.paged_out.store(extent.pages() > Pages::none(), std::memory_order_relaxed);
  if (extent.pages() == Pages::none()) {
    stream.edge.store(up ? range.end + kDryStep : range.begin - std::min(kDryStep, range.begin),
                      std::memory_order_relaxed);
    return;
  }
  static_cast<void>(os.advise(extent.range().begin, extent.range().bytes(), MADV_WILLNEED));
  stream.edge.store(up ? range.end : range.begin, std::memory_order_relaxed);
  stream.unjudged[stream.next_unjudged++ % kUnjudged] = {range, extent.pages()};
  outcome.asked = outcome.asked + extent.pages();
}

ReadaheadOutcome Readahead::serve(Os& os, Pagemap& pagemap, Pages most) {
  ReadaheadOutcome outcome;
  wishes_.store(false, std::memory_order_relaxed);
  for (Stream& stream : streams_) {
    if (!stream.wanted.load(std::memory_order_relaxed) || !stream.wanted.exchange(false, std::memory_order_acquire)) {
      continue;
    }
    judge(os, pagemap, stream, outcome);
    const AddressRange range = ahead_of(stream, most);
    if (range.begin < range.end) {
      read_ahead(os, pagemap, stream, range, outcome);
    }
  }
  return outcome;
}

}  // namespace weir
