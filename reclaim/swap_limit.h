// swap_limit.h - how much a member may still page out, by its container's swap limit and its parents'.
//
// What is paged out is the kernel's own count (VmSwap). A member that is about to evict promises
// its wish first and looks at the sum then, so that two at once never exceed the limit.
//
// Opens /proc files: only where the calling thread may. Without a limit it costs a walk up the tree.
#pragma once

#include "reclaim/engine.h"

namespace weir {

// Takes up to `wanted` pages of every swap limit that applies. Gives what it got.
class SwapAllowance {
 public:
  SwapAllowance(Engine& engine, Pages wanted);
  // The same for a thread group, or for another member, which somebody else pages out.
  SwapAllowance(Engine& engine, MemberId member, const BookEntry& entry, Pages wanted);
  ~SwapAllowance();
  SwapAllowance(const SwapAllowance&) = delete;
  SwapAllowance& operator=(const SwapAllowance&) = delete;

  [[nodiscard]] Pages pages() const {
    return allowed_;
  }
  // Whether there is a limit at all.
  [[nodiscard]] bool limited() const {
    return limited_;
  }
  // Whether there is one for this container, or above it. Safe in signal handlers; opens nothing.
  [[nodiscard]] static bool applies(const RegistryView& view, ContainerId container);

 private:
  Engine& engine_;
  MemberId member_;
  std::uint32_t pid_;
  Pages allowed_;
  bool limited_ = false;
};

}  // namespace weir
