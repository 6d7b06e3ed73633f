// fork_shares.cc - one pagemap after the other.
#include "reclaim/fork_shares.h"

#include "core/fork_share.h"
#include "core/stats.h"

namespace weir {
namespace {

bool count_shared_of(Os& os, std::uint32_t pid, ScanBuffer& buffer, Pages& out) {
  Pagemap pagemap(buffer);
  if (pagemap.open_of(os, pid) != 0) {
    return false;
  }
  const bool counted = pagemap.count_shared(os, kWholeAddressSpace, out) == 0;
  pagemap.close(os);
  return counted;
}

}  // namespace

void recount_shares(Os& os, RegistryView& view, const Subtree& subtree, std::uint32_t except_pid, ScanBuffer& buffer) {
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const MemberId id{i};
    const BookEntry entry = view.book(id).load();
    MemberRecord& record = view.member(id);
    Pages shared;
    if (entry.pid != 0 && entry.pid != except_pid && subtree.holds(entry.container) &&
        record.shared_pages.load(std::memory_order_relaxed) != 0 && !member_is_dead(os, record, entry.pid) &&
        count_shared_of(os, entry.pid, buffer, shared)) {
      note_shared(record, shared);
    }
  }
}

}  // namespace weir
