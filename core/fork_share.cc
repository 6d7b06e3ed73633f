// fork_share.cc - two bounds, and what is shared between them.
#include "core/fork_share.h"

#include <algorithm>

namespace weir {
namespace {

Pages lower(Counter& counter, Pages bound) {
  std::uint64_t seen = counter.load(std::memory_order_relaxed);
  while (bound.count < seen && !counter.compare_exchange_weak(seen, bound.count, std::memory_order_relaxed)) {
  }
  return std::min(Pages{seen}, bound);
}

}  // namespace

void begin_share(MemberRecord& record, Pages anonymous) {
  record.lent_pages.store(0, std::memory_order_relaxed);
  record.inherited_pages.store(anonymous.count, std::memory_order_relaxed);
  record.shared_pages.store(anonymous.count, std::memory_order_relaxed);
}

void note_shared(MemberRecord& record, Pages not_exclusive) {
  const bool none_is_lent = not_exclusive <= Pages{record.inherited_pages.load(std::memory_order_relaxed)};
  // What is inherited only ever becomes less.
  const Pages inherited = lower(record.inherited_pages, not_exclusive);
  const Pages lent = lower(record.lent_pages, none_is_lent ? Pages::none() : not_exclusive);
  record.shared_pages.store(std::max(inherited, not_exclusive - lent).count, std::memory_order_relaxed);
}

void note_fork(MemberRecord& record, Pages own) {
  if (own.count > record.lent_pages.load(std::memory_order_relaxed)) {
    record.lent_pages.store(own.count, std::memory_order_relaxed);
  }
}

}  // namespace weir
