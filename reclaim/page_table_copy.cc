// page_table_copy.cc - what scans make of what is known; a sorted list of leaves.
#include "reclaim/page_table_copy.h"

#include <algorithm>

namespace weir {
namespace {

PageMasks masks_of(std::uint32_t present, std::uint32_t out, std::uint32_t unsure) {
  return {static_cast<std::uint16_t>(present), static_cast<std::uint16_t>(out), static_cast<std::uint16_t>(unsure)};
}

}  // namespace

PageMasks PageMasks::after_scan(std::uint32_t seen, std::uint32_t covered, bool paged_out) const {
  const std::uint32_t missed = covered & ~seen;
  const std::uint32_t left = paged_out ? missed & (present | unsure) : 0;
  const std::uint32_t given_up = missed & out & unsure & ~left;
  const std::uint32_t doubtful = (unsure & ~covered) | (missed & (present | unsure) & ~left & ~given_up);
  return masks_of((present & ~covered) | seen, (out & ~seen & ~given_up) | left, doubtful);
}

PageMasks PageMasks::after_swap_scan(std::uint32_t seen, std::uint32_t covered) const {
  const std::uint32_t missed = covered & ~seen;
  return masks_of(present & ~seen, out | seen, (unsure & ~covered) | (missed & out));
}

std::size_t PageTableCopy::place_of(std::uint64_t root) const {
  const Leaf* const place = std::lower_bound(leaves_, leaves_ + count_, root,
                                             [](const Leaf& leaf, std::uint64_t r) { return leaf.root < r; });
  return static_cast<std::size_t>(place - leaves_);
}

PageMasks* PageTableCopy::find(Granule granule) const {
  const std::uint64_t root = granule.number >> kLeafBits;
  const std::size_t place = place_of(root);
  const bool known = place < count_ && leaves_[place].root == root;
  return known ? &leaves_[place].masks[granule.number % kLeafGranules] : nullptr;
}

PageMasks* PageTableCopy::find_or_make(Os& os, Granule granule) {
  if (PageMasks* known = find(granule); known != nullptr) {
    return known;
  }
  if (leaves_ == nullptr) {
    const MapResult list = os.map_anonymous(kMostLeaves * sizeof(Leaf));
    if (!list.ok()) {
      return nullptr;
    }
    leaves_ = static_cast<Leaf*>(list.address);
  }
  const MapResult leaf = count_ < kMostLeaves ? os.map_anonymous(kLeafBytes) : MapResult{nullptr, 1};
  if (!leaf.ok()) {
    return nullptr;
  }
  const std::uint64_t root = granule.number >> kLeafBits;
  const std::size_t place = place_of(root);
  std::copy_backward(leaves_ + place, leaves_ + count_, leaves_ + count_ + 1);
  leaves_[place] = {root, static_cast<PageMasks*>(leaf.address)};
  ++count_;
  return &leaves_[place].masks[granule.number % kLeafGranules];
}

bool PageTableCopy::next(Granule from, Granule end, bool out, Granule& found) const {
  for (std::size_t place = place_of(from.number >> kLeafBits); place < count_; ++place) {
    const std::uint64_t base = leaves_[place].root << kLeafBits;
    const std::uint64_t last = std::min(base + kLeafGranules, end.number);
    for (std::uint64_t at = std::max(base, from.number); at < last; ++at) {
      const PageMasks& masks = leaves_[place].masks[at - base];
      if (((out ? masks.out : masks.present) | masks.unsure) != 0) {
        found = Granule{at};
        return true;
      }
    }
    if (base + kLeafGranules >= end.number) {
      return false;
    }
  }
  return false;
}

void PageTableCopy::forget(Os& os) {
  for (std::size_t i = 0; i < count_; ++i) {
    static_cast<void>(os.unmap(leaves_[i].masks, kLeafBytes));
  }
  count_ = 0;
}

}  // namespace weir
