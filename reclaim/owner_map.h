// owner_map.h - which thread group a granule of address space belongs to.
//
// One byte per granule, in leaves of 1 GiB of address space that are made where a group has
// memory. Written where memory is mapped, read where residency is counted: a mapping that is
// not cut at granules gives its edge to whoever holds the granule's middle.
//
// Lock-free and safe in signal handlers; any number of threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/os.h"
#include "core/units.h"

namespace weir {

class OwnerMap {
 public:
  static constexpr std::uint8_t kNobody = 0;
  static constexpr std::uint64_t kGranulesOfLeaf = 16384;

  // From now on `range` is `owner`'s. Where there is no memory for a leaf it stays the process'.
  void set(Os& os, AddressRange range, std::uint8_t owner);
  // Nobody's. Costs nothing where no group has had memory.
  void clear(AddressRange range) {
    if (roots_.load(std::memory_order_acquire) != nullptr) {
      fill(range, kNobody, nullptr);
    }
  }
  // Of the granules that `range` touches, those that nobody owns become `owner`'s.
  void adopt(Os& os, AddressRange range, std::uint8_t owner) {
    transfer(range, kNobody, owner, &os);
  }
  // And those that are `owner`'s nobody's.
  void release(AddressRange range, std::uint8_t owner) {
    transfer(range, owner, kNobody, nullptr);
  }
  // All is nobody's, and the tables are given back. The calling thread is the only one: in a fork child.
  void forget(Os& os);
  [[nodiscard]] std::uint8_t owner_of(Granule granule) const;
  // The next stretch of address space, at most a leaf long, at or after `at` that groups may have
  // memory in. Empty: no more.
  [[nodiscard]] AddressRange next_leaf(std::uintptr_t at) const;

 private:
  using Owner = std::atomic<std::uint8_t>;
  using Leaf = std::atomic<Owner*>;
  static constexpr int kLeafBits = 14;  // 1 GiB
  static_assert(kGranulesOfLeaf == std::uint64_t{1} << kLeafBits);
  static constexpr int kRootBits = 17;  // 128 TiB

  Owner* leaf_for(Os* os, std::uint64_t root);
  void fill(AddressRange range, std::uint8_t owner, Os* os);
  void transfer(AddressRange range, std::uint8_t from, std::uint8_t to, Os* os);

  std::atomic<Leaf*> roots_{nullptr};
  // Where leaves were ever made, so that nobody walks the whole table.
  std::atomic<std::uint64_t> first_root_{UINT64_MAX};
  std::atomic<std::uint64_t> end_root_{0};
};

}  // namespace weir
