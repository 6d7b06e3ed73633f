// swap_limit.cc - add first, look at the sum, give back what was too much.
#include "reclaim/swap_limit.h"

#include <algorithm>

namespace weir {
namespace {

// Calls `visit` for each container from the member's own upwards that has a swap limit.
template <typename Visit>
void each_limit(const Engine& engine, Visit visit) {
  ContainerId at = engine.account.container();
  for (int depth = 0; depth <= kMaxContainerDepth; ++depth) {
    const Pages limit{engine.view.container(at).swap_limit.load(std::memory_order_relaxed)};
    if (!limit.unlimited()) {
      visit(at, limit);
    }
    if (!parent_of(engine.view, at, at)) {
      break;
    }
  }
}

// What the kernel says is paged out of this process, less what its thread groups say of theirs.
Pages swapped_here(Engine& engine) {
  ProcessMemory memory;
  const int error = read_process_memory(engine.os, engine.account.pid(), memory);
  const Pages groups{engine.record().groups_swapped.load(std::memory_order_relaxed)};
  return error == 0 ? memory.swapped - groups : Pages{engine.record().swap_pages.load(std::memory_order_relaxed)};
}

}  // namespace

SwapAllowance::SwapAllowance(Engine& engine, Pages wanted) : engine_(engine), allowed_(wanted) {
  each_limit(engine, [&](ContainerId, Pages) { limited_ = true; });
  if (!limited_) {
    return;
  }
  MemberRecord& record = engine.record();
  record.swap_pages.store(swapped_here(engine).count, std::memory_order_relaxed);
  record.swap_promised.fetch_add(wanted.count, std::memory_order_seq_cst);
  each_limit(engine, [&](ContainerId id, Pages limit) {
    const Pages sum = swap_usage_of(engine.view, Subtree::below(engine.view, id));
    allowed_ = std::min(allowed_, wanted - (sum - limit));
  });
  record.swap_promised.fetch_sub((wanted - allowed_).count, std::memory_order_seq_cst);
}

SwapAllowance::~SwapAllowance() {
  if (limited_) {
    engine_.record().swap_pages.store(swapped_here(engine_).count, std::memory_order_relaxed);
    engine_.record().swap_promised.fetch_sub(allowed_.count, std::memory_order_seq_cst);
  }
}

}  // namespace weir
