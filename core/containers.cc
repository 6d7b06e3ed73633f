// containers.cc - finding containers by name, making them with their parents, forgetting them.
#include <fcntl.h>

#include <cstring>

#include "core/file_lock.h"
#include "core/move_journal.h"
#include "core/registry.h"
#include "core/usage.h"

namespace weir {
namespace {

// FNV-1a: short names, no adversary.
std::uint32_t hash_of(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  }
  return hash;
}

bool has_name(const ContainerRecord& record, std::string_view name) {
  return strnlen(record.name, sizeof(record.name)) == name.size() &&
         std::memcmp(record.name, name.data(), name.size()) == 0;
}

void copy_name(char* out, std::string_view name) {
  std::memcpy(out, name.data(), name.size());
  out[name.size()] = '\0';
}

// The dead of a kill -9 have their places still, and do not count.
bool has_living_member(Os& os, const RegistryView& view, ContainerId id) {
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    if (entry.pid != 0 && entry.container == id && !member_is_dead(os, view.member(MemberId{i}), entry.pid)) {
      return true;
    }
  }
  return false;
}

void fill_container(Os& os, ContainerRecord& record, const ContainerWish& wish) {
  // Everything but the state word starts anew: the place may have belonged to another name.
  std::memset(static_cast<void*>(reinterpret_cast<char*>(&record) + sizeof(record.state)), 0,
              sizeof(record) - sizeof(record.state));
  copy_name(record.name, wish.name);
  record.named.store(wish.named ? 1 : 0, std::memory_order_relaxed);
  record.oom_policy.store(static_cast<std::uint32_t>(wish.oom.policy), std::memory_order_relaxed);
  record.oom_pause_seconds.store(wish.oom.pause_seconds, std::memory_order_relaxed);
  record.background.store(wish.background ? 1 : 0, std::memory_order_relaxed);
  record.adaptive.store(wish.adaptive ? 1 : 0, std::memory_order_relaxed);
  record.load_control.store(wish.load_control ? 1 : 0, std::memory_order_relaxed);
  record.proactive.store(wish.proactive, std::memory_order_relaxed);
  set_thrash(record, wish.thrash);
  record.swap_limit.store(wish.swap_limit.count, std::memory_order_relaxed);
  record.limit.store(wish.marks.limit.count, std::memory_order_relaxed);
  record.high_watermark.store(wish.marks.high.count, std::memory_order_relaxed);
  record.low_watermark.store(wish.marks.low.count, std::memory_order_relaxed);
  record.made_by_move.store(wish.for_move ? 1 : 0, std::memory_order_relaxed);
  record.created_wall_ns.store(os.wall_ns(), std::memory_order_relaxed);
}

}  // namespace

// Places are found from the name's hash on, as in an open-addressed table, so that a thousand
// containers cost what one costs. A removed name leaves kRemoved, which does not end a search.
bool RegistryView::find(std::string_view name, ContainerId& out) const {
  const std::uint32_t start = hash_of(name);
  for (std::uint32_t step = 0; step < kMaxContainers; ++step) {
    const ContainerId id{(start + step) % kMaxContainers};
    const ContainerRecord& record = container(id);
    const std::uint32_t state = record.state.load(std::memory_order_acquire);
    if (state == ContainerRecord::kFree) {
      return false;
    }
    if (state == ContainerRecord::kLive && has_name(record, name)) {
      out = id;
      return true;
    }
  }
  return false;
}

ContainerResult RegistryView::find_or_make(Os& os, const ContainerWish& wish) {
  if (!parse_name(wish.name).ok()) {
    return {{}, AttachFailure::kNoContainerPlace, false};  // there is none for such a name
  }
  ContainerId found;
  const bool is_there = find(wish.name, found);
  // An unnamed one that lost its last member is over: its name was a pid that is used again.
  if (is_there && (wish.named || has_living_member(os, *this, found))) {
    return {found, AttachFailure::kNone, false};
  }
  const SysResult fd = os.open(path_, O_RDWR | O_NOFOLLOW, 0);
  if (!fd.ok()) {
    return {{}, AttachFailure::kLockBusy, false};
  }
  ContainerResult result;
  {
    const FileLock lock(os, static_cast<int>(fd.value()));
    if (lock.held()) {
      settle_move(os, *this);
      result = make_container_locked(os, wish);
    } else {
      result.failure = AttachFailure::kLockBusy;
    }
  }
  static_cast<void>(os.close(static_cast<int>(fd.value())));
  return result;
}

ContainerResult RegistryView::make_container_locked(Os& os, const ContainerWish& wish) {
  ContainerId existing;
  if (find(wish.name, existing)) {
    if (wish.named || has_living_member(os, *this, existing)) {
      return {existing, AttachFailure::kNone, false};
    }
    reap_dead(os, *this);
    fill_container(os, container(existing), wish);
    return {existing, AttachFailure::kNone, true};
  }
  std::uint32_t parent_plus_one = 0;
  if (const std::size_t slash = wish.name.rfind('/'); slash != std::string_view::npos) {
    ContainerWish parent_wish{wish.name.substr(0, slash), true, Marks{}, Pages::all(), OomChoice{}, true};
    parent_wish.for_move = wish.for_move;
    const ContainerResult parent = make_container_locked(os, parent_wish);
    if (parent.failure != AttachFailure::kNone) {
      return parent;
    }
    parent_plus_one = parent.id.index + 1;
  }
  for (int attempt = 0; attempt < 2; ++attempt) {
    const std::uint32_t start = hash_of(wish.name);
    for (std::uint32_t step = 0; step < kMaxContainers; ++step) {
      const ContainerId id{(start + step) % kMaxContainers};
      ContainerRecord& record = container(id);
      if (record.state.load(std::memory_order_acquire) != ContainerRecord::kLive) {
        fill_container(os, record, wish);
        registry_->parents[id.index].store(parent_plus_one, std::memory_order_relaxed);
        registry_->header.nested.fetch_add(parent_plus_one != 0 ? 1 : 0, std::memory_order_release);
        record.state.store(ContainerRecord::kLive, std::memory_order_release);
        return {id, AttachFailure::kNone, true};
      }
    }
    make_room_locked(os, parent_plus_one);
  }
  return {{}, AttachFailure::kNoContainerPlace, false};
}

bool RegistryView::remove_locked(ContainerId id) {
  ContainerRecord& record = container(id);
  if (record.state.load(std::memory_order_acquire) != ContainerRecord::kLive || members_of(*this, id) > 0) {
    return false;
  }
  for (std::uint32_t i = 0; i < kMaxContainers; ++i) {
    // One that is not live may have been cut short in its removal, its parent still noted.
    if (registry_->parents[i].load(std::memory_order_relaxed) == id.index + 1 &&
        registry_->containers[i].state.load(std::memory_order_relaxed) == ContainerRecord::kLive) {
      return false;
    }
  }
  record.state.store(ContainerRecord::kRemoved, std::memory_order_release);
  registry_->parents[id.index].store(0, std::memory_order_relaxed);
  // Before a free place, removed ones end a search as well as it does.
  for (std::uint32_t i = id.index;; i = (i + kMaxContainers - 1) % kMaxContainers) {
    const ContainerRecord& next = registry_->containers[(i + 1) % kMaxContainers];
    Word& state = registry_->containers[i].state;
    if (next.state.load(std::memory_order_relaxed) != ContainerRecord::kFree ||
        state.load(std::memory_order_relaxed) != ContainerRecord::kRemoved) {
      return true;
    }
    state.store(ContainerRecord::kFree, std::memory_order_release);
  }
}

bool RegistryView::remove(Os& os, ContainerId id) {
  const SysResult fd = os.open(path_, O_RDWR | O_NOFOLLOW, 0);
  if (!fd.ok()) {
    return false;
  }
  bool removed = false;
  {
    const FileLock lock(os, static_cast<int>(fd.value()));
    reap_dead(os, *this);
    if (lock.held()) {
      settle_move(os, *this);
      removed = remove_locked(id);
    }
  }
  static_cast<void>(os.close(static_cast<int>(fd.value())));
  return removed;
}

// Unnamed containers without members go first; only then named empty ones, whose statistics
// somebody may still want. The parent of the one that needs room has no child yet, and stays.
void RegistryView::make_room_locked(Os& os, std::uint32_t parent_plus_one) {
  reap_dead(os, *this);
  std::uint32_t freed = 0;
  for (const bool named : {false, true}) {
    for (std::uint32_t i = 0; i < kMaxContainers && (freed == 0 || !named); ++i) {
      const bool is_named = registry_->containers[i].named.load(std::memory_order_relaxed) != 0;
      if (is_named == named && i + 1 != parent_plus_one && remove_locked(ContainerId{i})) {
        ++freed;
      }
    }
  }
}

}  // namespace weir
