// watched.cc - finding by name, and who is still there.
#include "tools/watched.h"

#include "core/stats.h"
#include "tools/group_counts.h"

namespace weir {

bool Watched::find(ContainerId& out) {
  constexpr std::chrono::seconds kLookTurn{1};
  if (!session_.view().find(name_, out)) {
    return false;
  }
  if (const auto now = std::chrono::steady_clock::now(); now >= next_look_) {
    next_look_ = now + kLookTurn;
    const Subtree subtree = Subtree::below(session_.view(), out);
    refresh_charges(session_.os(), session_.view(), subtree);
    count_groups(session_.os(), session_.view(), subtree);
    return session_.is_kept(out);
  }
  return true;
}

}  // namespace weir
