// refault_fronts.cc - runs of pages that came back, and where they end now.
#include "reclaim/refault_fronts.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace weir {
namespace {

// How far pages are present from an address on, with small gaps at most, and how many.
class RunFrom final : public RunVisitor {
 public:
  explicit RunFrom(std::uintptr_t begin) : end_(begin) {}
  bool visit(const PageRun& run) override {
    if (run.range.begin > end_ + RefaultFronts::kMostGap) {
      return false;
    }
    end_ = run.range.end;
    pages_ = pages_ + run.range.pages();
    return true;
  }
  [[nodiscard]] std::uintptr_t end() const {
    return end_;
  }
  [[nodiscard]] Pages pages() const {
    return pages_;
  }

 private:
  std::uintptr_t end_;
  Pages pages_;
};

// The same up to an address.
class RunUpTo final : public RunVisitor {
 public:
  bool visit(const PageRun& run) override {
    if (run.range.begin > end_ + RefaultFronts::kMostGap) {
      begin_ = run.range.begin;
      pages_ = Pages::none();
    }
    end_ = run.range.end;
    pages_ = pages_ + run.range.pages();
    return true;
  }
  [[nodiscard]] bool reaches(std::uintptr_t to) const {
    return end_ != 0 && end_ + RefaultFronts::kMostGap >= to;
  }
  [[nodiscard]] std::uintptr_t begin() const {
    return begin_;
  }
  [[nodiscard]] Pages pages() const {
    return pages_;
  }

 private:
  std::uintptr_t begin_ = 0;
  std::uintptr_t end_ = 0;
  Pages pages_;
};

bool is_near(const AddressRange& range, const AddressRange& front) {
  return range.begin < front.end + RefaultFronts::kReach && front.begin < range.end + RefaultFronts::kReach;
}

AddressRange overlap(const AddressRange& a, const AddressRange& b) {
  const std::uintptr_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

}  // namespace

// Where a front at one end of what was present has gone. Nowhere: its pages are none.
struct RefaultFronts::Step {
  AddressRange way;
  Pages touched;
};

RefaultFronts::Step RefaultFronts::step_up(Os& os, Pagemap& pagemap, std::uintptr_t from) {
  RunFrom run(from);
  const AddressRange above{from, std::min(from + RefaultFronts::kReach, kWholeAddressSpace.end)};
  if (above.begin >= above.end || pagemap.scan(os, above, run) != 0) {
    return {};
  }
  return {{from, run.end()}, run.pages()};
}

RefaultFronts::Step RefaultFronts::step_down(Os& os, Pagemap& pagemap, std::uintptr_t from) {
  RunUpTo run;
  const AddressRange below{std::max(from - std::min(from, RefaultFronts::kReach), kWholeAddressSpace.begin), from};
  if (below.begin >= below.end || pagemap.scan(os, below, run) != 0 || !run.reaches(from)) {
    return {};
  }
  return {{run.begin(), from}, run.pages()};
}

void RefaultFronts::note(AddressRange range, std::size_t back) {
  if (range.begin > trace_.end + kMostGap) {
    end_of_scan();
    trace_ = range;
  }
  trace_.end = range.end;
  trace_back_ += back;
}

void RefaultFronts::end_of_scan() {
  const AddressRange trace = std::exchange(trace_, {});
  const bool is_long = std::exchange(trace_back_, 0) >= kLeastBytes;
  const auto is_known = [&](const Front& front) { return front.present.bytes() > 0 && is_near(trace, front.present); };
  if (!is_long || std::any_of(fronts_.begin(), fronts_.end(), is_known)) {
    return;
  }
  // An empty place, or that of the front which has stood still for longest.
  const auto rest = [](const Front& front) { return front.present.bytes() == 0 ? kPatience : front.still; };
  Front& place = *std::max_element(fronts_.begin(), fronts_.end(),
                                   [&](const Front& a, const Front& b) { return rest(a) < rest(b); });
  if (rest(place) > 0) {
    place = {trace, Way::kUnknown, 0, {}};
  }
}

// What the front has gone through since, of what was asked for ahead of it: touched as densely there as anywhere.
void RefaultFronts::judge(std::size_t number, const Step& step, ReadaheadOutcome& outcome) {
  const AddressRange asked = std::exchange(fronts_[number].ahead, {});
  if (asked.bytes() == 0 || wishes_[number].exchange(0, std::memory_order_relaxed) != 0) {
    return;  // nobody came to ask
  }
  const Pages passed = overlap(asked, step.way).pages();
  outcome.asked = outcome.asked + asked.pages();
  outcome.hits = outcome.hits + Pages{passed.count * step.touched.count / step.way.pages().count};
}

void RefaultFronts::wish(std::size_t number, const Step& step, Pages most) {
  Front& front = fronts_[number];
  const bool is_dense = step.touched.count * 3 >= step.way.pages().count * 2;
  const std::size_t bytes = std::min({step.touched, most, Pages{kMostWished}}).bytes();
  const bool up = front.way == Way::kUp;
  const std::uintptr_t at = up ? step.way.end : step.way.begin;
  if (!is_dense || step.touched < kLeastMove || bytes > (up ? kWholeAddressSpace.end - at : at - kPageBytes)) {
    return;
  }
  front.ahead = up ? AddressRange{at, at + bytes} : AddressRange{at - bytes, at};
  wishes_[number].store((front.ahead.begin >> kPageShift << kCountBits) | front.ahead.pages().count,
                        std::memory_order_relaxed);
}

// Gives the way it went; empty when it stands still.
AddressRange RefaultFronts::follow_one(Os& os, Pagemap& pagemap, std::size_t number, Pages most,
                                       ReadaheadOutcome& outcome) {
  Front& front = fronts_[number];
  if (front.present.bytes() == 0) {
    return {};
  }
  const Step up = front.way == Way::kDown ? Step{} : step_up(os, pagemap, front.present.end);
  const Step down = front.way == Way::kUp ? Step{} : step_down(os, pagemap, front.present.begin);
  const Step& step = up.touched >= down.touched ? up : down;
  if (step.touched == Pages::none()) {
    front.present = ++front.still < kPatience ? front.present : AddressRange{};
    return {};
  }
  judge(number, step, outcome);
  front.still = 0;
  front.way = &step == &up ? Way::kUp : Way::kDown;
  front.present = {std::min(front.present.begin, step.way.begin), std::max(front.present.end, step.way.end)};
  wish(number, step, most);
  return step.way;
}

void RefaultFronts::ask(Os& os) {
  for (Wish& wish : wishes_) {
    if (wish.load(std::memory_order_relaxed) == 0) {
      continue;
    }
    const std::uint64_t taken = wish.exchange(0, std::memory_order_relaxed);
    const Pages pages{taken & ((std::uint64_t{1} << kCountBits) - 1)};
    if (pages > Pages::none()) {
      static_cast<void>(os.advise(taken >> kCountBits << kPageShift, pages.bytes(), MADV_WILLNEED));
    }
  }
}

}  // namespace weir
