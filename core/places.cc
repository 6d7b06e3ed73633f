// places.cc - the places of members: taking them, finding who has one, freeing those of the dead.
#include <cerrno>
#include <cstring>

#include "core/proc.h"
#include "core/registry.h"

namespace weir {
namespace {

std::uint32_t raise_to(Word& high, std::uint32_t wanted) {
  std::uint32_t seen = high.load(std::memory_order_relaxed);
  while (seen < wanted && !high.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel)) {
  }
  return seen;
}

void start_member(Os& os, MemberRecord& record) {
  record.swap_pages.store(0, std::memory_order_relaxed);
  record.swap_promised.store(0, std::memory_order_relaxed);
  record.leaving_pages.store(0, std::memory_order_relaxed);
  record.shared_pages.store(0, std::memory_order_relaxed);
  record.unevictable_pages.store(0, std::memory_order_relaxed);
  record.dump_signal.store(0, std::memory_order_relaxed);
  record.home.store(0, std::memory_order_relaxed);
  record.meter.store(0, std::memory_order_relaxed);
  record.reclaimer_tid.store(0, std::memory_order_relaxed);
  record.request.store(0, std::memory_order_relaxed);
  record.uid.store(os.effective_uid(), std::memory_order_relaxed);
  record.wakeups.store(0, std::memory_order_relaxed);
  for (Word& pages : record.heat) {
    pages.store(0, std::memory_order_relaxed);
  }
  record.active_ns.store(0, std::memory_order_relaxed);
  record.held_since_ns.store(0, std::memory_order_relaxed);
  record.immune_until_ns.store(0, std::memory_order_relaxed);
  record.held_ns.store(0, std::memory_order_relaxed);
  record.cpu_seen_ns.store(0, std::memory_order_relaxed);
  record.cpu_seen_at_ns.store(0, std::memory_order_relaxed);
  record.turn_ns.store(os.now_ns(), std::memory_order_relaxed);
  std::memset(record.comm, 0, sizeof(record.comm));
  record.attached_ns.store(os.now_ns(), std::memory_order_release);
}

}  // namespace

std::uint32_t RegistryView::members_high() const {
  const std::uint32_t high = registry_->header.members_high.load(std::memory_order_acquire);
  return high < kMaxMembers ? high : kMaxMembers;
}

bool RegistryView::claim_free_place(const BookEntry& entry, MemberId& out) {
  for (std::uint32_t i = 0; i < kMaxMembers; ++i) {
    if (registry_->books[i].load().pid == 0) {
      // Before the place is taken: one taken by a process killed right then must be within reach.
      raise_to(registry_->header.members_high, i + 1);
      if (registry_->books[i].claim(entry)) {
        out = MemberId{i};
        return true;
      }
    }
  }
  return false;
}

bool RegistryView::find_member(std::uint32_t pid, MemberId& out) const {
  const std::uint32_t high = members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    if (registry_->books[i].load().pid == pid) {
      out = MemberId{i};
      return true;
    }
  }
  return false;
}

bool RegistryView::take_place(Os& os, const BookEntry& entry, MemberId& out) {
  if (find_member(entry.pid, out)) {
    for (BookEntry old = book(out).load(); old.pid == entry.pid; old = book(out).load()) {
      if (book(out).replace(old, entry)) {
        return true;
      }
    }
  }
  if (claim_free_place(entry, out)) {
    return true;
  }
  reap_dead(os, *this);
  return claim_free_place(entry, out);
}

// Until the record is stamped it tells of the place's last owner, and whoever looks for the dead
// just then would take the new one for it. Its verdict falls with the entry it judged: the entry
// is changed after the stamp, and if it could not be, all starts again.
AttachResult RegistryView::attach(Os& os, std::uint32_t pid, ContainerId container_id) {
  constexpr int kAttempts = 8;
  const BookEntry unstamped{pid, container_id, Pages{1}};
  const BookEntry stamped{pid, container_id, Pages::none()};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    MemberId id;
    if (!take_place(os, unstamped, id)) {
      break;
    }
    start_member(os, member(id));
    if (!book(id).replace(unstamped, stamped)) {
      continue;
    }
    if (container(container_id).state.load(std::memory_order_acquire) != ContainerRecord::kLive) {
      book(id).release(pid);  // removed since the caller found it
      return {{}, AttachFailure::kNoContainerPlace};
    }
    return {id, AttachFailure::kNone};
  }
  return {{}, AttachFailure::kNoMemberPlace};
}

bool member_is_dead(Os& os, const MemberRecord& record, std::uint32_t pid) {
  ProcessStat stat;
  const int error = read_process_stat(os, pid, stat);
  if (error == ENOENT || error == ESRCH) {
    return true;
  }
  // Its memory is gone, whenever its parent may look. With threads left, only the first one went.
  if (error == 0 && (stat.state == 'Z' || stat.state == 'X') && stat.threads <= 1) {
    return true;
  }
  // Ticks are coarse: a process that seems to have started just after the attach may be the
  // one that attached.
  constexpr std::uint64_t kTickNs = 10'000'000;
  return error == 0 && stat.start_ns > record.attached_ns.load(std::memory_order_acquire) + 2 * kTickNs;
}

std::uint32_t reap_dead(Os& os, RegistryView& view) {
  std::uint32_t reaped = 0;
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    if (entry.pid != 0 && member_is_dead(os, view.member(MemberId{i}), entry.pid) &&
        view.book(MemberId{i}).replace(entry, BookEntry{})) {
      ++reaped;
    }
  }
  return reaped;
}

}  // namespace weir
