// stride.h - addresses at equal distances: which of them lie in a range, what pages they touch, whether faults are
// such.
#pragma once

#include <cstdint>

#include "core/os.h"
#include "core/units.h"
#include "reclaim/pagemap.h"

namespace weir {

constexpr std::uintptr_t page_of(std::uintptr_t address) {
  return address & ~(kPageBytes - 1);
}

// origin, origin + step, ... or downwards. A step of 0 is no stride.
struct Stride {
  std::uintptr_t origin = 0;
  std::uintptr_t step = 0;
  bool up = true;

  [[nodiscard]] bool any() const {
    return step != 0;
  }
  // The number of the first address at or beyond the range's near end, and of the first beyond its far one.
  struct Numbers {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    [[nodiscard]] Pages count() const {
      return Pages{end - first};
    }
  };
  // The origin itself is number 0. `step` must not be 0.
  [[nodiscard]] Numbers inside(AddressRange range) const {
    if (up) {
      return {steps_to(range.begin, origin), steps_to(range.end, origin)};
    }
    // Downwards range.end - 1 comes first.
    return {steps_to(origin + 1, range.end), steps_to(origin + 1, range.begin)};
  }
  [[nodiscard]] std::uintptr_t at(std::uint64_t number) const {
    return up ? origin + number * step : origin - number * step;
  }

 private:
  // How many steps from `from` until `to` is reached.
  [[nodiscard]] std::uint64_t steps_to(std::uintptr_t to, std::uintptr_t from) const {
    return to <= from ? 0 : (to - from + step - 1) / step;
  }
};

// The pages that the steps [numbers.first, numbers.end) touch, and what lies between them.
AddressRange span_of(const Stride& stride, Stride::Numbers numbers);

// Asks for the pages that the steps touch (MADV_WILLNEED), neighbours in one call.
void ask_for(Os& os, const Stride& stride, Stride::Numbers numbers);

// Of the pages a scan finds, those that a stride touches.
class TouchedCounter final : public RunVisitor {
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

// From two samples of a thread's faults: what is present between them was touched there, one page of
// each object, if it is objects that were. Without a step when no stride of more than a page fits.
Stride find_stride(Os& os, Pagemap& pagemap, std::uintptr_t before, std::uintptr_t last);

}  // namespace weir
