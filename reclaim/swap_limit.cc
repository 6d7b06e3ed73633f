// swap_limit.cc - add first, look at the sum, give back what was too much.
#include "reclaim/swap_limit.h"

#include <algorithm>

#include "core/member_status.h"

namespace weir {
namespace {

// Calls `visit` for each container from `from` upwards that has a swap limit.
template <typename Visit>
void each_limit(const RegistryView& view, ContainerId from, Visit visit) {
  for (const ContainerId at : Upwards(view, from)) {
    const Pages limit{view.container(at).swap_limit.load(std::memory_order_relaxed)};
    if (!limit.unlimited()) {
      visit(at, limit);
    }
  }
}

}  // namespace

bool SwapAllowance::applies(const RegistryView& view, ContainerId container) {
  bool any = false;
  each_limit(view, container, [&](ContainerId, Pages) { any = true; });
  return any;
}

SwapAllowance::SwapAllowance(Engine& engine, Pages wanted)
    : SwapAllowance(engine, engine.account.member(),
                    BookEntry{engine.account.pid(), engine.account.container(), Pages::none()}, wanted) {}

SwapAllowance::SwapAllowance(Engine& engine, MemberId member, const BookEntry& entry, Pages wanted)
    : engine_(engine), member_(member), pid_(entry.pid), allowed_(wanted) {
  const RegistryView& view = engine.view;
  MemberRecord& record = view.member(member);
  limited_ = applies(view, entry.container);
  if (!limited_) {
    return;
  }
  note_status(engine_.os, engine_.view, member_, pid_);
  record.swap_promised.fetch_add(wanted.count, std::memory_order_seq_cst);
  each_limit(view, entry.container, [&](ContainerId id, Pages limit) {
    const Pages sum = swap_usage_of(view, Subtree::below(view, id));
    allowed_ = std::min(allowed_, wanted - (sum - limit));
  });
  record.swap_promised.fetch_sub((wanted - allowed_).count, std::memory_order_seq_cst);
}

SwapAllowance::~SwapAllowance() {
  if (limited_) {
    note_status(engine_.os, engine_.view, member_, pid_);
    engine_.view.member(member_).swap_promised.fetch_sub(allowed_.count, std::memory_order_seq_cst);
  }
}

}  // namespace weir
