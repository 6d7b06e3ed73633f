// places.cc - the places of members: taking them, finding who has one, freeing those of the dead.
#include <cerrno>
#include <cstring>

#include "core/fork_share.h"
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
  record.swap_elsewhere.store(0, std::memory_order_relaxed);
  record.swap_due_ns.store(0, std::memory_order_relaxed);
  record.swap_is_shared.store(0, std::memory_order_relaxed);
  record.swap_promised.store(0, std::memory_order_relaxed);
  record.leaving_pages.store(0, std::memory_order_relaxed);
  begin_share(record, Pages::none());
  record.promised_pages.store(0, std::memory_order_relaxed);
  record.unevictable_pages.store(0, std::memory_order_relaxed);
  record.dump_signal.store(0, std::memory_order_relaxed);
  record.home.store(0, std::memory_order_relaxed);
  record.meter.store(0, std::memory_order_relaxed);
  record.reach.store(0, std::memory_order_relaxed);
  record.adopted.store(0, std::memory_order_relaxed);
  record.outside_at.store(0, std::memory_order_relaxed);
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
  record.work_seen_ns.store(0, std::memory_order_relaxed);
  record.held_ns.store(0, std::memory_order_relaxed);
  record.reclaimer_cpu_ns.store(0, std::memory_order_relaxed);
  record.cpu_seen_ns.store(0, std::memory_order_relaxed);
  record.cpu_seen_at_ns.store(0, std::memory_order_relaxed);
  record.turn_ns.store(os.now_ns(), std::memory_order_relaxed);
  for (Word& group : record.groups) {
    group.store(0, std::memory_order_relaxed);
  }
  for (Word& tid : record.tids) {
    tid.store(0, std::memory_order_relaxed);
  }
  record.groups_pages.store(0, std::memory_order_relaxed);
  record.groups_swapped.store(0, std::memory_order_relaxed);
  record.is_group.store(0, std::memory_order_relaxed);
  std::memset(record.group, 0, sizeof(record.group));
  record.warn_grace_ms.store(0, std::memory_order_relaxed);
  record.warned_until_ns.store(0, std::memory_order_relaxed);
  std::memset(record.comm, 0, sizeof(record.comm));
  record.attached_ns.store(os.now_ns(), std::memory_order_release);
}

}  // namespace

std::uint32_t RegistryView::members_high() const {
  const std::uint32_t high = registry_->header.members_high.load(std::memory_order_acquire);
  return high < kMaxMembers ? high : kMaxMembers;
}

// `announced` learns of each place before it is tried.
bool RegistryView::claim_free_place(const BookEntry& entry, MemberId& out, Word* announced) {
  for (std::uint32_t i = 0; i < kMaxMembers; ++i) {
    if (registry_->books[i].load().pid == 0) {
      // Before the place is taken: one taken by a process killed right then must be within reach.
      raise_to(registry_->header.members_high, i + 1);
      if (announced != nullptr) {
        announced->store(i + 1, std::memory_order_release);
      }
      if (registry_->books[i].claim(entry)) {
        out = MemberId{i};
        return true;
      }
    }
  }
  return false;
}

bool RegistryView::is_place_of_group(MemberId place, std::uint32_t pid) const {
  const std::uint32_t high = members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    if (i == place.index || registry_->books[i].load().pid != pid) {
      continue;
    }
    for (const Word& group : registry_->members[i].groups) {
      if (group.load(std::memory_order_acquire) == place.index + 1) {
        return true;
      }
    }
  }
  return false;
}

bool RegistryView::find_member(std::uint32_t pid, MemberId& out) const {
  const std::uint32_t high = members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    if (registry_->books[i].load().pid == pid && !is_place_of_group(MemberId{i}, pid)) {
      out = MemberId{i};
      return true;
    }
  }
  return false;
}

bool RegistryView::take_place(Os& os, const BookEntry& entry, MemberId& out) {
  if (find_member(entry.pid, out)) {
    release_groups(out, entry.pid);  // of the image before an exec
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
    return finish_attach(id, pid, container_id);
  }
  return {{}, AttachFailure::kNoMemberPlace};
}

// Unlike attach() it never takes over a place: should the process have one of its own a moment later, ours goes.
bool RegistryView::adopt(Os& os, std::uint32_t pid, ContainerId container_id, MemberId& out) {
  const BookEntry unstamped{pid, container_id, Pages{1}};
  MemberId other;
  if (find_member(pid, other) || !claim_free_place(unstamped, out, nullptr)) {
    return false;
  }
  start_member(os, member(out));
  member(out).adopted.store(1, std::memory_order_release);
  member(out).reach.store(static_cast<std::uint32_t>(Reach::kAlien), std::memory_order_release);
  const bool is_ours = book(out).replace(unstamped, {pid, container_id, Pages::none()});
  const std::uint32_t high = members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    if (i != out.index && book(MemberId{i}).load().pid == pid) {
      book(out).release(pid);
      return false;
    }
  }
  return is_ours;
}

AttachResult RegistryView::finish_attach(MemberId id, std::uint32_t pid, ContainerId container_id) const {
  if (container(container_id).state.load(std::memory_order_acquire) != ContainerRecord::kLive) {
    book(id).release(pid);  // removed since the caller found it
    return {{}, AttachFailure::kNoContainerPlace};
  }
  return {id, AttachFailure::kNone};
}

AttachResult RegistryView::attach_group(Os& os, MemberId owner, std::uint32_t number, ContainerId container_id) {
  const std::uint32_t pid = book(owner).load().pid;
  Word& announced = member(owner).groups[number % kGroupPlaces];
  const BookEntry unstamped{pid, container_id, Pages{1}};
  MemberId id;
  if (pid == 0 || (!claim_free_place(unstamped, id, &announced) &&
                   (reap_dead(os, *this) == 0 || !claim_free_place(unstamped, id, &announced)))) {
    announced.store(0, std::memory_order_release);
    return {{}, AttachFailure::kNoMemberPlace};
  }
  start_member(os, member(id));
  member(id).is_group.store(1, std::memory_order_release);
  // As in attach(): a verdict of death on the place's last owner falls with the unstamped entry.
  if (!book(id).replace(unstamped, {pid, container_id, Pages::none()})) {
    announced.store(0, std::memory_order_release);
    return {{}, AttachFailure::kNoMemberPlace};
  }
  return finish_attach(id, pid, container_id);
}

void RegistryView::release_group(MemberId owner, std::uint32_t number, std::uint32_t pid) const {
  Word& group = member(owner).groups[number % kGroupPlaces];
  const std::uint32_t place = group.load(std::memory_order_acquire);
  if (place != 0 && place <= kMaxMembers && place - 1 != owner.index) {
    book(MemberId{place - 1}).release(pid);
    group.store(0, std::memory_order_release);
  }
}

void RegistryView::release_groups(MemberId owner, std::uint32_t pid) const {
  for (std::uint32_t number = 0; number < kGroupPlaces; ++number) {
    release_group(owner, number, pid);
  }
  member(owner).groups_pages.store(0, std::memory_order_relaxed);
  member(owner).groups_swapped.store(0, std::memory_order_relaxed);
}

bool member_is_dead(Os& os, const MemberRecord& record, std::uint32_t pid) {
  ProcessStat stat;
  const int error = read_process_stat(os, pid, stat);
  if (error == ENOENT || error == ESRCH) {
    return true;
  }
  if (error == 0 && is_over(stat)) {
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
