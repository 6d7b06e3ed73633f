// stride.cc - a stride that fits what a scan finds, and asking for what it touches.
#include "reclaim/stride.h"

#include <sys/mman.h>

#include <algorithm>

namespace weir {
namespace {

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

AddressRange span_of(const Stride& stride, Stride::Numbers numbers) {
  const std::uintptr_t first = page_of(stride.at(numbers.first));
  const std::uintptr_t last = page_of(stride.at(numbers.end - 1));
  return {std::min(first, last), std::max(first, last) + kPageBytes};
}

void ask_for(Os& os, const Stride& stride, Stride::Numbers numbers) {
  AddressRange pages;
  const auto ask = [&] { static_cast<void>(os.advise(pages.begin, pages.bytes(), MADV_WILLNEED)); };
  for (std::uint64_t number = numbers.first; number < numbers.end; ++number) {
    const AddressRange page{page_of(stride.at(number)), page_of(stride.at(number)) + kPageBytes};
    const bool is_next = page.begin <= pages.end && page.end >= pages.begin;
    if (!is_next && pages.bytes() > 0) {
      ask();
    }
    pages = is_next ? AddressRange{std::min(pages.begin, page.begin), std::max(pages.end, page.end)} : page;
  }
  ask();
}

Stride find_stride(Os& os, Pagemap& pagemap, std::uintptr_t before, std::uintptr_t last) {
  constexpr std::uint64_t kLeastPages = 8;
  const AddressRange between{page_of(std::min(last, before)), page_of(std::max(last, before)) + kPageBytes};
  PresentPages present(between.begin);
  static_cast<void>(pagemap.scan(os, between, present));
  if (present.count() < kLeastPages) {
    return {};
  }
  const Stride stride{before, (std::max(last, before) - std::min(last, before)) / (present.count() - 1), last > before};
  std::uint64_t fitting = 0;
  for (std::uint64_t number = 0; number < present.count(); ++number) {
    fitting += present.holds(stride.at(number)) ? 1 : 0;
  }
  return stride.step > kPageBytes && fitting * 8 >= present.count() * 7 ? stride : Stride{};
}

}  // namespace weir
