// group_counts.cc - a request to each reclaimer, and a bounded wait.
#include "tools/group_counts.h"

#include <climits>

#include "reclaim/fork_shares.h"

namespace weir {
namespace {

constexpr std::int64_t kStepNs = 20'000'000;
constexpr int kSteps = 25;  // half a second: on a busy machine the reclaimer may wait for its core

// A request of somebody else's is waited for, then ours is made; a signal ends a wait early.
void ask(Os& os, MemberRecord& record) {
  bool asked = false;
  for (int step = 0; step < kSteps && record.reclaimer_tid.load(std::memory_order_acquire) != 0; ++step) {
    std::uint32_t busy_with = 0;
    if (!asked && record.request.compare_exchange_strong(busy_with, kRequestRefresh, std::memory_order_acq_rel)) {
      asked = true;
      record.wake.fetch_add(1, std::memory_order_release);
      static_cast<void>(os.futex_wake(record.wake, INT_MAX));
      busy_with = kRequestRefresh;
    } else if (asked) {
      busy_with = record.request.load(std::memory_order_acquire);
    }
    if (asked && busy_with != kRequestRefresh) {
      return;
    }
    static_cast<void>(os.futex_wait(record.request, busy_with, kStepNs));
  }
}

}  // namespace

void count_groups(Os& os, RegistryView& view, const Subtree& subtree) {
  ScanBuffer buffer;
  recount_shares(os, view, subtree, 0, buffer);
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
