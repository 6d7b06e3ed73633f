// thread_groups.cc - places for groups, and the scan that fills the books.
#include "reclaim/thread_groups.h"

#include <algorithm>

#include "core/usage.h"
#include "reclaim/page_out.h"

namespace weir {
namespace {

// Sums the pages of a scan by the owner of their granules.
class OwnerCounter final : public RunVisitor {
 public:
  explicit OwnerCounter(const OwnerMap& owners) : owners_(owners) {}
  bool visit(const PageRun& run) override {
    for (std::uintptr_t at = run.range.begin; at < run.range.end;) {
      const Granule granule = Granule::holding(at);
      const std::uintptr_t end = std::min(run.range.end, granule.range().end);
      pages_[owners_.owner_of(granule) % (kGroupPlaces + 1)] += (end - at) >> kPageShift;
      at = end;
    }
    return true;
  }
  [[nodiscard]] Pages of(GroupNumber number) const {
    return Pages{pages_[number + 1]};
  }

 private:
  const OwnerMap& owners_;
  std::uint64_t pages_[kGroupPlaces + 1] = {};
};

int count_owned(Os& os, Pagemap& pagemap, const OwnerMap& owners, OwnerCounter& counter, PageKind kind) {
  for (AddressRange leaf = owners.next_leaf(0); leaf.begin < leaf.end; leaf = owners.next_leaf(leaf.end)) {
    const AddressRange within{std::max(leaf.begin, kWholeAddressSpace.begin),
                              std::min(leaf.end, kWholeAddressSpace.end)};
    if (const int error = pagemap.scan(os, within, counter, kind); error != 0) {
      return error;
    }
  }
  return 0;
}

}  // namespace

bool ThreadGroups::add(Os& os, RegistryView& view, const Account& account, GroupNumber number, ContainerId container) {
  const AttachResult place = view.attach_group(os, account.member(), static_cast<std::uint32_t>(number), container);
  if (place.failure != AttachFailure::kNone) {
    return false;
  }
  view_ = &view;
  account_ = &account;
  groups_[number].member = place.id;
  groups_[number].live.store(true, std::memory_order_release);
  any_.store(true, std::memory_order_release);
  return true;
}

void ThreadGroups::forget_all() {
  any_.store(false, std::memory_order_release);
  scanning_.store(false, std::memory_order_relaxed);  // by a thread that a fork child does not have
  for (Group& group : groups_) {
    group.live.store(false, std::memory_order_release);
    group.held.store(0, std::memory_order_relaxed);
    group.grown.store(0, std::memory_order_relaxed);
  }
}

void ThreadGroups::disown(GroupNumber number) {
  const std::uint8_t mark = owner_mark(number);
  groups_[number].live.store(false, std::memory_order_release);
  for (AddressRange leaf = owners_.next_leaf(0); leaf.begin < leaf.end; leaf = owners_.next_leaf(leaf.end)) {
    owners_.release(leaf, mark);
  }
  bool any = false;
  for (const Group& group : groups_) {
    any = any || group.live.load(std::memory_order_acquire);
  }
  any_.store(any, std::memory_order_release);
}

std::uint32_t ThreadGroups::marks_to_spare(bool has_choice) const {
  std::uint32_t marks = 0;
  if (any()) {
    const ContainerId own = account_->container();
    const Subtree subtree = Subtree::below(*view_, own);
    for (GroupNumber number = 0; number < static_cast<GroupNumber>(kGroupPlaces); ++number) {
      const bool spared = has(number) && ((has_choice && !subtree.holds(container(number))) ||
                                          spare_of(*view_, container(number), own) == Pages::none());
      marks |= spared ? std::uint32_t{1} << owner_mark(number) : 0;
    }
  }
  return marks;
}

ContainerId ThreadGroups::container(GroupNumber number) const {
  return view_->book(groups_[number].member).load().container;
}

MemberRecord& ThreadGroups::record(GroupNumber number) const {
  return view_->member(groups_[number].member);
}

GroupNumber ThreadGroups::group_in(ContainerId id) const {
  for (GroupNumber number = 0; any() && number < static_cast<GroupNumber>(kGroupPlaces); ++number) {
    if (has(number) && container(number) == id && id != account_->container()) {
      return number;
    }
  }
  return kNoGroup;
}

void ThreadGroups::publish(GroupNumber number, Pages held, Pages swapped) {
  Group& group = groups_[number];
  group.held.store(held.count, std::memory_order_relaxed);
  view_->book(group.member).set_charge(account_->pid(), held);
  record(number).swap_pages.store(swapped.count, std::memory_order_relaxed);
}

int ThreadGroups::scan(Os& os, Pagemap& pagemap) {
  if (scanning_.exchange(true, std::memory_order_acquire)) {
    return 0;
  }
  const std::uint64_t start = os.now_ns();
  scanned_ns_.store(start, std::memory_order_relaxed);
  const int error = scan_alone(os, pagemap);
  took_ns_.store(os.now_ns() - start, std::memory_order_relaxed);
  scanning_.store(false, std::memory_order_release);
  return error;
}

int ThreadGroups::scan_alone(Os& os, Pagemap& pagemap) {
  // What grows during the scan may be in it already: counted twice until the next one, never missed.
  std::uint64_t grown[kGroupPlaces];
  for (std::size_t i = 0; i < kGroupPlaces; ++i) {
    grown[i] = groups_[i].grown.load(std::memory_order_relaxed);
  }
  const std::uint64_t left = left_.load(std::memory_order_relaxed);
  const Pages reading = account_->last_reading();
  OwnerCounter present(owners_);
  OwnerCounter swapped(owners_);
  int error = count_owned(os, pagemap, owners_, present, PageKind::kPresent);
  error = error != 0 ? error : count_owned(os, pagemap, owners_, swapped, PageKind::kSwapped);
  if (error != 0) {
    return error;
  }
  Pages held_by_all;
  Pages swapped_by_all;
  for (GroupNumber number = 0; number < static_cast<GroupNumber>(kGroupPlaces); ++number) {
    if (has(number)) {
      held_by_all = held_by_all + present.of(number);
      swapped_by_all = swapped_by_all + swapped.of(number);
    }
  }
  left_then_.store(left, std::memory_order_relaxed);
  reading_then_.store(reading.count, std::memory_order_relaxed);
  take_from_process(held_by_all, swapped_by_all);
  for (GroupNumber number = 0; number < static_cast<GroupNumber>(kGroupPlaces); ++number) {
    if (has(number)) {
      publish(number, present.of(number), swapped.of(number));
      groups_[number].grown.fetch_sub(grown[number], std::memory_order_relaxed);
    }
  }
  return 0;
}

// What groups have come to hold since the last scan was charged to the process when that was read meanwhile: not to
// both until it is read again. Who has just read it knows better.
void ThreadGroups::take_from_process(Pages held, Pages swapped) {
  MemberRecord& record = view_->member(account_->member());
  BookWord& book = view_->book(account_->member());
  const BookEntry before = book.load();
  const Pages held_before{record.groups_pages.exchange(held.count, std::memory_order_relaxed)};
  record.groups_swapped.store(swapped.count, std::memory_order_relaxed);
  if (held > held_before && before.pid == account_->pid()) {
    static_cast<void>(book.replace(before, {before.pid, before.container, before.charge - (held - held_before)}));
  }
}

int ThreadGroups::scan_if_due(Os& os, Pagemap& pagemap) {
  constexpr std::uint64_t kLeastPauseNs = 500'000;
  constexpr std::uint64_t kPausesForOne = 10;
  const std::uint64_t pause = std::max(kLeastPauseNs, took_ns_.load(std::memory_order_relaxed) * kPausesForOne);
  const bool due = os.now_ns() - scanned_ns_.load(std::memory_order_relaxed) >= pause;
  return due ? scan(os, pagemap) : 0;
}

void ThreadGroups::note_left(GroupNumber number, Pages left) {
  Group& group = groups_[number];
  const Pages held = Pages{group.held.load(std::memory_order_relaxed)} - left;
  group.held.store(held.count, std::memory_order_relaxed);
  view_->book(group.member).set_charge(account_->pid(), held);
  Counter& of_all = view_->member(account_->member()).groups_pages;
  of_all.store((Pages{of_all.load(std::memory_order_relaxed)} - left).count, std::memory_order_relaxed);
  record(number).swap_pages.fetch_add(left.count, std::memory_order_relaxed);  // until the next scan counts it
}

Pages ThreadGroups::grown_since_scan() const {
  const Pages left{left_.load(std::memory_order_relaxed) - left_then_.load(std::memory_order_relaxed)};
  return account_->last_reading() + left - Pages{reading_then_.load(std::memory_order_relaxed)};
}

Standing ThreadGroups::standing(GroupNumber number, Pages expected) const {
  const ContainerId own = account_->container();
  const ContainerId id = container(number);
  const Pages grown{groups_[number].grown.load(std::memory_order_relaxed)};
  return id == own ? Standing{} : standing_of(*view_, id, expected + grown, &own);
}

}  // namespace weir
