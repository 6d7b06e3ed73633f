// owner_map.cc - filling and reading the leaves.
#include "reclaim/owner_map.h"

#include <algorithm>

namespace weir {
namespace {

// Makes a table once, whoever comes first. What somebody else made meanwhile is taken.
template <typename T>
T* find_or_make(Os* os, std::atomic<T*>& place, std::size_t bytes) {
  T* found = place.load(std::memory_order_acquire);
  if (found != nullptr || os == nullptr) {
    return found;
  }
  const MapResult made = os->map_anonymous(bytes);
  if (!made.ok()) {
    return nullptr;
  }
  if (place.compare_exchange_strong(found, static_cast<T*>(made.address), std::memory_order_acq_rel)) {
    return static_cast<T*>(made.address);
  }
  static_cast<void>(os->unmap(made.address, bytes));
  return found;
}

void widen(std::atomic<std::uint64_t>& first, std::atomic<std::uint64_t>& end, std::uint64_t root) {
  std::uint64_t seen = first.load(std::memory_order_relaxed);
  while (root < seen && !first.compare_exchange_weak(seen, root, std::memory_order_acq_rel)) {
  }
  seen = end.load(std::memory_order_relaxed);
  while (root + 1 > seen && !end.compare_exchange_weak(seen, root + 1, std::memory_order_acq_rel)) {
  }
}

// The granules whose middle lies in the range: [first, last).
std::uint64_t granule_at(std::uintptr_t address) {
  return (address + kGranuleBytes / 2) >> kGranuleShift;
}

}  // namespace

OwnerMap::Owner* OwnerMap::leaf_for(Os* os, std::uint64_t root) {
  Leaf* roots = find_or_make(os, roots_, sizeof(Leaf) << kRootBits);
  if (roots == nullptr || root >= (std::uint64_t{1} << kRootBits)) {
    return nullptr;
  }
  if (os != nullptr) {
    widen(first_root_, end_root_, root);
  }
  return find_or_make(os, roots[root], sizeof(Owner) << kLeafBits);
}

void OwnerMap::fill(AddressRange range, std::uint8_t owner, Os* os) {
  constexpr std::uint64_t kPerLeaf = std::uint64_t{1} << kLeafBits;
  const std::uint64_t end = granule_at(range.end);
  for (std::uint64_t at = granule_at(range.begin); at < end;) {
    const std::uint64_t leaf_end = std::min((at / kPerLeaf + 1) * kPerLeaf, end);
    Owner* leaf = leaf_for(os, at / kPerLeaf);
    for (; at < leaf_end; ++at) {
      if (leaf != nullptr) {
        leaf[at % kPerLeaf].store(owner, std::memory_order_relaxed);
      }
    }
  }
}

void OwnerMap::transfer(AddressRange range, std::uint8_t from, std::uint8_t to, Os* os) {
  constexpr std::uint64_t kPerLeaf = std::uint64_t{1} << kLeafBits;
  for (Granule granule = Granule::holding(range.begin); granule.range().begin < range.end; ++granule.number) {
    Owner* leaf = owner_of(granule) == from ? leaf_for(os, granule.number / kPerLeaf) : nullptr;
    if (leaf != nullptr) {
      std::uint8_t seen = from;
      leaf[granule.number % kPerLeaf].compare_exchange_strong(seen, to, std::memory_order_relaxed);
    }
  }
}

void OwnerMap::set(Os& os, AddressRange range, std::uint8_t owner) {
  fill(range, owner, &os);
}

void OwnerMap::forget(Os& os) {
  Leaf* const roots = roots_.exchange(nullptr, std::memory_order_acq_rel);  // first: a signal may come meanwhile
  const std::uint64_t end = end_root_.exchange(0, std::memory_order_acq_rel);
  std::uint64_t root = first_root_.exchange(UINT64_MAX, std::memory_order_acq_rel);
  for (; roots != nullptr && root < end; ++root) {
    if (Owner* const leaf = roots[root].load(std::memory_order_relaxed); leaf != nullptr) {
      static_cast<void>(os.unmap(leaf, sizeof(Owner) << kLeafBits));
    }
  }
  if (roots != nullptr) {
    static_cast<void>(os.unmap(roots, sizeof(Leaf) << kRootBits));
  }
}

std::uint8_t OwnerMap::owner_of(Granule granule) const {
  const Leaf* roots = roots_.load(std::memory_order_acquire);
  const std::uint64_t root = granule.number >> kLeafBits;
  if (roots == nullptr || root >= (std::uint64_t{1} << kRootBits)) {
    return kNobody;
  }
  const Owner* leaf = roots[root].load(std::memory_order_acquire);
  return leaf == nullptr ? kNobody
                         : leaf[granule.number & ((std::uint64_t{1} << kLeafBits) - 1)].load(std::memory_order_relaxed);
}

AddressRange OwnerMap::next_leaf(std::uintptr_t at) const {
  constexpr std::uintptr_t kLeafBytes = kGranuleBytes << kLeafBits;
  const Leaf* roots = roots_.load(std::memory_order_acquire);
  const std::uint64_t end = end_root_.load(std::memory_order_acquire);
  std::uint64_t root = std::max(at / kLeafBytes, first_root_.load(std::memory_order_acquire));
  for (; roots != nullptr && root < end; ++root) {
    if (roots[root].load(std::memory_order_acquire) != nullptr) {
      return {std::max(at, root * kLeafBytes), (root + 1) * kLeafBytes};
    }
  }
  return {};
}

}  // namespace weir
