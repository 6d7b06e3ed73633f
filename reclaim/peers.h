// peers.h - the members of a container that are large enough to matter to each other.
#pragma once

#include <cstdint>

#include "core/usage.h"
#include "reclaim/engine.h"
#include "reclaim/load_control.h"

namespace weir {

// Nobody has seen its CPU clock move for a second. Whoever looks notes what he sees; that two who look at once
// overwrite each other's note does no harm.
bool has_been_idle(Os& os, const BookEntry& entry, MemberRecord& record);

// What a member holds, and what it has paged out.
inline Pages size_of(const BookEntry& entry, const MemberRecord& record) {
  return entry.charge + Pages{record.swap_pages.load(std::memory_order_relaxed)};
}

inline bool counts(const BookEntry& entry, const MemberRecord& record, Pages limit) {
  return size_of(entry, record).count >= limit.count / LoadControl::kLeastShare;
}

// Calls `visit(entry, record, member)` for the members of `id` and below that are of that size at least.
template <typename Visit>
void each_of_size(const Engine& engine, ContainerId id, Pages least, Visit visit) {
  const Subtree subtree = Subtree::below(engine.view, id);
  const std::uint32_t high = engine.view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = engine.view.book(MemberId{i}).load();
    if (entry.pid != 0 && subtree.holds(entry.container) && size_of(entry, engine.view.member(MemberId{i})) >= least) {
      visit(entry, engine.view.member(MemberId{i}), MemberId{i});
    }
  }
}

// Those that count.
template <typename Visit>
void each_that_counts(const Engine& engine, ContainerId id, Visit visit) {
  const Pages limit{engine.view.container(id).limit.load(std::memory_order_relaxed)};
  each_of_size(engine, id, Pages{limit.count / LoadControl::kLeastShare}, visit);
}

}  // namespace weir
