// granule_map.cc - the two-level table.
#include "reclaim/granule_map.h"

namespace weir {

GranuleRecord* GranuleMap::find_or_make(Os& os, Granule granule) {
  const std::uint64_t root = granule.number >> kLeafBits;
  if (root >= (std::uint64_t{1} << kRootBits)) {
    return nullptr;
  }
  if (leaves_ == nullptr) {
    const MapResult table = os.map_anonymous(sizeof(void*) << kRootBits);
    if (!table.ok()) {
      return nullptr;
    }
    leaves_ = static_cast<GranuleRecord**>(table.address);
  }
  if (leaves_[root] == nullptr) {
    const MapResult leaf = os.map_anonymous(sizeof(GranuleRecord) << kLeafBits);
    if (!leaf.ok()) {
      return nullptr;
    }
    leaves_[root] = static_cast<GranuleRecord*>(leaf.address);
  }
  return &leaves_[root][granule.number & ((std::uint64_t{1} << kLeafBits) - 1)];
}

GranuleRecord* GranuleMap::find(Granule granule, std::uintptr_t& next) const {
  const std::uint64_t root = granule.number >> kLeafBits;
  if (leaves_ == nullptr || root >= (std::uint64_t{1} << kRootBits) || leaves_[root] == nullptr) {
    next = Granule{(root + 1) << kLeafBits}.range().begin;
    return nullptr;
  }
  return &leaves_[root][granule.number & ((std::uint64_t{1} << kLeafBits) - 1)];
}

}  // namespace weir
