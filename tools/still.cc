// still.cc - word by word, as far as members live.
#include "tools/still.h"

#include <cstddef>

namespace weir {
namespace {

// All of the registry is made of words, of four or eight bytes or of text; eight hold two of the smaller.
void copy_words(const void* from, void* to, std::size_t bytes) {
  static_assert(alignof(Registry) % sizeof(std::uint64_t) == 0);
  const auto* live = static_cast<const Counter*>(from);
  auto* still = static_cast<Counter*>(to);
  for (std::size_t i = 0; i < bytes / sizeof(Counter); ++i) {
    still[i].store(live[i].load(std::memory_order_acquire), std::memory_order_relaxed);
  }
}

}  // namespace

StillRegistry::StillRegistry(const RegistryView& live) : copy_(std::make_unique<Registry>()) {
  const Registry& from = live.raw();
  copy_words(&from, copy_.get(), offsetof(Registry, members));
  copy_words(from.members, copy_->members, live.members_high() * sizeof(MemberRecord));
  view_.adopt(*copy_);
}

}  // namespace weir
