// group_counts.cc - a request to each reclaimer, and a bounded wait.
#include "tools/group_counts.h"

#include <climits>

namespace weir {
namespace {

constexpr std::int64_t kPatienceNs = 100'000'000;

void ask(Os& os, MemberRecord& record) {
  std::uint32_t nothing = 0;
  if (record.reclaimer_tid.load(std::memory_order_acquire) == 0 ||
      !record.request.compare_exchange_strong(nothing, kRequestRefresh, std::memory_order_acq_rel)) {
    return;  // nobody to answer, or busy with another request
  }
  record.wake.fetch_add(1, std::memory_order_release);
  static_cast<void>(os.futex_wake(record.wake, INT_MAX));
  static_cast<void>(os.futex_wait(record.request, kRequestRefresh, kPatienceNs));
}

}  // namespace

void count_groups(Os& os, RegistryView& view, const Subtree& subtree) {
  std::uint32_t asked = 0;
  for (std::uint32_t i = 0; i < view.members_high(); ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    const bool is_group = view.member(MemberId{i}).is_group.load(std::memory_order_relaxed) != 0;
    MemberId process;
    if (entry.pid != 0 && entry.pid != asked && is_group && subtree.holds(entry.container) &&
        view.find_member(entry.pid, process)) {
      asked = entry.pid;
      ask(os, view.member(process));
    }
  }
}

}  // namespace weir
