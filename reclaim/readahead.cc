// readahead.cc - finding streams, asking ahead of them, judging what came of it.
#include "reclaim/readahead.h"

#include <algorithm>
#include <cstdlib>

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
// So many steps are worth a judgement.
constexpr std::uint64_t kWorthJudging = 256;

// How far `edge` lies ahead of `at` in the stream's direction; 0 when it was passed.
std::uintptr_t lead(std::uintptr_t at, std::uintptr_t edge, bool up) {
  if (edge == 0) {
    return 0;
  }
  return up ? (edge > at ? edge - at : 0) : (edge < at ? at - edge : 0);
}

std::uintptr_t moved(std::uintptr_t at, std::uintptr_t by, bool up) {
  return up ? at + by : at - std::min(at, by);
}

// Whether a step is some number of strides, but for what a stride loses by rounding.
bool is_multiple(std::uintptr_t step, std::uintptr_t stride) {
  return stride != 0 && std::min(step % stride, stride - step % stride) <= step / stride;
}

bool is_addressable(AddressRange range) {
  return range.begin >= kWholeAddressSpace.begin && range.end <= kWholeAddressSpace.end && range.begin < range.end;
}

}  // namespace

Stride Readahead::Asked::stride() const {
  return {origin.load(std::memory_order_relaxed), step.load(std::memory_order_relaxed),
          up.load(std::memory_order_relaxed)};
}

Stride Readahead::Stream::ahead() const {
  const std::uintptr_t at = last.load(std::memory_order_relaxed);
  if (is_dense.load(std::memory_order_relaxed)) {
    return {page_of(at), kPageBytes, up()};
  }
  return {at, stride.load(std::memory_order_relaxed), up()};
}

// A walk that leaves its way: through pieces that lie in another order, or in order but for a few pages. It is taken
// to go on from here in its direction, as long as it did so after it last left its way.
bool Readahead::goes_on_elsewhere(Stream& stream, std::uintptr_t address) {
  if (std::abs(stream.run.load(std::memory_order_relaxed)) < kRunOfStream ||
      !stream.trusted.exchange(false, std::memory_order_relaxed)) {
    return false;
  }
  // Where what was asked for last is near, it is a step aside.
  const bool paged_out = stream.paged_out.load(std::memory_order_relaxed);
  const std::uintptr_t width =
      paged_out ? stream.window.load(std::memory_order_relaxed) * stream.ahead().step : kDryStep;
  if (lead(address, stream.edge.load(std::memory_order_relaxed), stream.up()) > 2 * width) {
    stream.edge.store(0, std::memory_order_relaxed);
  }
  stream.before.store(address, std::memory_order_relaxed);
  return true;
}

// True when the sample goes on with a stream.
bool Readahead::note_step(Stream& stream, std::uintptr_t last, std::uintptr_t address, std::uint32_t faults) {
  const bool up = address > last;
  const std::uintptr_t step = up ? address - last : last - address;
  const bool is_near = step <= faults * kMostStep;
  if ((!is_near || up != stream.up()) && goes_on_elsewhere(stream, address)) {
    return true;
  }
  if (!is_near) {
    stream.run.store(0, std::memory_order_relaxed);
    return false;
  }
  int run = stream.run.load(std::memory_order_relaxed);
  run = up ? std::max(run, 0) + 1 : std::min(run, 0) - 1;
  stream.run.store(std::clamp(run, -kRunOfStream, kRunOfStream), std::memory_order_relaxed);
  stream.before.store(last, std::memory_order_relaxed);
  stream.faults.store(faults, std::memory_order_relaxed);
  // A coarse sample right after a fine one stands for fewer faults than it says: its step is no sign of a dense stream.
  stream.is_dense.store(
      step <= faults * kDenseStep && !is_multiple(step, stream.stride.load(std::memory_order_relaxed)),
      std::memory_order_relaxed);
  if (run > -kRunOfStream && run < kRunOfStream) {
    stream.edge.store(0, std::memory_order_relaxed);
    return false;
  }
  stream.trusted.store(true, std::memory_order_relaxed);
  return true;
}

bool Readahead::note(Os& os, int tid, std::uintptr_t address, std::uint32_t faults) {
  Stream& stream = streams_[static_cast<std::size_t>(tid) % kStreams];
  const std::uintptr_t last = stream.last.exchange(address, std::memory_order_relaxed);
  if (stream.tid.exchange(tid, std::memory_order_relaxed) != tid) {
    stream.run.store(0, std::memory_order_relaxed);
    return false;
  }
  if (address == last || !note_step(stream, last, address, faults)) {
    return false;
  }
  const Stride ahead = stream.ahead();
  const std::uintptr_t left = lead(ahead.origin, stream.edge.load(std::memory_order_relaxed), ahead.up);
  const bool known = ahead.any() && stream.paged_out.load(std::memory_order_relaxed);
  if (known && left <= faults * ahead.step) {
    ask(os, stream, ahead, left);
  }
  if (known ? !is_due(stream) : left > 0) {
    return false;
  }
  stream.wanted.store(true, std::memory_order_release);
  wishes_.store(true, std::memory_order_release);
  return true;
}

// From the edge on, one window.
void Readahead::ask(Os& os, Stream& stream, const Stride& ahead, std::uintptr_t left) {
  // The edge itself was asked for downwards, and not upwards.
  const std::uintptr_t to_edge = (left + (ahead.up ? ahead.step - 1 : ahead.step)) / ahead.step;
  const std::uint64_t first = std::max<std::uint64_t>(1, to_edge);
  const Stride::Numbers numbers{first, first + stream.window.load(std::memory_order_relaxed)};
  const AddressRange span = span_of(ahead, numbers);
  if (!is_addressable(span)) {
    return;
  }
  ask_for(os, ahead, numbers);
  stream.edge.store(ahead.up ? span.end : span.begin, std::memory_order_relaxed);
  note_asked(stream.asked, ahead, numbers);
}

// What does not go on where the last one ended is not counted until that was judged.
void Readahead::note_asked(Asked& asked, const Stride& ahead, Stride::Numbers numbers) {
  const std::uintptr_t begin = ahead.at(numbers.first);
  const std::uint64_t count = asked.count.load(std::memory_order_relaxed);
  const Stride before = asked.stride();
  const bool goes_on = before.step == ahead.step && before.up == ahead.up && before.at(count) == begin;
  if (count != 0 && goes_on) {
    asked.count.store(count + numbers.count().count, std::memory_order_release);
    return;
  }
  if (asked.judged.load(std::memory_order_acquire) != count) {
    asked.closed.store(true, std::memory_order_relaxed);
    return;
  }
  asked.closed.store(false, std::memory_order_relaxed);
  asked.count.store(0, std::memory_order_relaxed);
  asked.judged.store(0, std::memory_order_relaxed);
  asked.origin.store(begin, std::memory_order_relaxed);
  asked.step.store(ahead.step, std::memory_order_relaxed);
  asked.up.store(ahead.up, std::memory_order_relaxed);
  asked.count.store(numbers.count().count, std::memory_order_release);
}

// Of the steps asked for, those that lie behind the stream.
std::uint64_t Readahead::passed(const Stream& stream) {
  const std::uint64_t count = stream.asked.count.load(std::memory_order_acquire);
  if (stream.asked.closed.load(std::memory_order_relaxed)) {
    return count;
  }
  const Stride stride = stream.asked.stride();
  return std::min(count, lead(stride.origin, stream.last.load(std::memory_order_relaxed), stride.up) / stride.step);
}

bool Readahead::is_due(const Stream& stream) {
  const std::uint64_t judged = stream.asked.judged.load(std::memory_order_relaxed);
  return passed(stream) >= judged + kWorthJudging ||
         (stream.asked.closed.load(std::memory_order_relaxed) && passed(stream) > judged);
}

// What was passed and is still paged out was not wanted.
void Readahead::judge(Os& os, Pagemap& pagemap, Stream& stream, Pages most, ReadaheadOutcome& outcome) {
  const Stride::Numbers numbers{stream.asked.judged.load(std::memory_order_relaxed), passed(stream)};
  if (numbers.first >= numbers.end) {
    return;
  }
  const Stride stride = stream.asked.stride();
  TouchedCounter left({stride.at(numbers.first), stride.step, stride.up});
  static_cast<void>(pagemap.scan(os, span_of(stride, numbers), left, PageKind::kSwapped));
  stream.asked.judged.store(numbers.end, std::memory_order_release);
  const Pages asked = numbers.count();
  const Pages hits = asked - left.pages();
  outcome.asked = outcome.asked + asked;
  outcome.hits = outcome.hits + hits;
  std::uint64_t window = stream.window.load(std::memory_order_relaxed);
  if (hits.count * 3 >= asked.count * 2) {
    window *= 2;
  } else if (hits.count * 2 < asked.count) {
    window /= 2;
    stream.stride.store(0, std::memory_order_relaxed);  // another one by now, or none
  }
  const std::uint64_t widest = std::clamp(most.count, kLeastWindow, kMostWindow);
  stream.window.store(std::clamp(window, kLeastWindow / 4, widest), std::memory_order_relaxed);
}

// Whether anything is paged out ahead. If not, that is not asked again for some way. What was asked for and
// not touched yet counts: its entries are those of swap until then.
void Readahead::look_ahead(Os& os, Pagemap& pagemap, Stream& stream) {
  const Stride ahead = stream.ahead();
  TouchedCounter paged_out(ahead);
  if (ahead.any()) {
    if (const AddressRange span = span_of(ahead, {1, 1 + kWorthJudging}); is_addressable(span)) {
      static_cast<void>(pagemap.scan(os, span, paged_out, PageKind::kSwapped));
    }
  }
  const bool found = paged_out.pages() > Pages::none();
  stream.paged_out.store(found, std::memory_order_relaxed);
  if (!found) {
    stream.edge.store(moved(page_of(ahead.origin), kDryStep, ahead.up), std::memory_order_relaxed);
  }
}

// A page, where no more was passed by than faulted: what did not fault was there, or is worth reading (zram: a fifth of
// a fault and its page-out). Also where a walk has just gone on elsewhere, and nothing tells: hits will.
std::uintptr_t Readahead::step_of_all(Os& os, Pagemap& pagemap, const Stream& stream) {
  const std::uintptr_t before = stream.before.load(std::memory_order_relaxed);
  const std::uintptr_t last = stream.last.load(std::memory_order_relaxed);
  const std::uint32_t faults = stream.faults.load(std::memory_order_relaxed);
  const AddressRange between{page_of(std::min(before, last)), page_of(std::max(before, last)) + kPageBytes};
  if (before == last || between.bytes() > (faults + 1) * kMostStep) {
    return kPageBytes;
  }
  PageCounter left;
  const int error = pagemap.scan(os, between, left, PageKind::kSwapped);
  return error == 0 && left.pages().count <= faults ? kPageBytes : 0;
}

ReadaheadOutcome Readahead::serve(Os& os, Pagemap& pagemap, Pages most) {
  ReadaheadOutcome outcome;
  wishes_.store(false, std::memory_order_relaxed);
  for (Stream& stream : streams_) {
    if (!stream.wanted.load(std::memory_order_relaxed) || !stream.wanted.exchange(false, std::memory_order_acquire)) {
      continue;
    }
    judge(os, pagemap, stream, most, outcome);
    if (!stream.ahead().any()) {
      const Stride seen = find_stride(os, pagemap, stream.before.load(std::memory_order_relaxed),
                                      stream.last.load(std::memory_order_relaxed));
      stream.stride.store(seen.any() ? seen.step : step_of_all(os, pagemap, stream), std::memory_order_relaxed);
    }
    look_ahead(os, pagemap, stream);
  }
  return outcome;
}

}  // namespace weir
