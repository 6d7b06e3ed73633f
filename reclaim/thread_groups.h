// thread_groups.h - the thread groups of this process: what each holds, and where that leaves its container.
//
// A group has a place of its own in the books, in a container below the process' or elsewhere. What it holds
// is what a scan finds resident in the granules it owns; between two scans the faults of its
// threads bound how far that can have grown. The process is charged the rest.
//
// add() and leave() from threads of the program, scan() by whoever has a Pagemap (the reclaimer,
// or the only thread there is); the rest from anywhere, signal handlers included.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/registry.h"
#include "reclaim/account.h"
#include "reclaim/owner_map.h"
#include "reclaim/pagemap.h"

namespace weir {

// A group by its number, from 0 on; kNoGroup is the process itself.
using GroupNumber = int;
inline constexpr GroupNumber kNoGroup = -1;

class ThreadGroups {
 public:
  // Takes a place for group `number` in `container`. False: there is none.
  bool add(Os& os, RegistryView& view, const Account& account, GroupNumber number, ContainerId container);
  // What group `number` holds is the process' again, as of the next scan and reading. Its place stays until then.
  void disown(GroupNumber number);
  // Puts all of the groups' memory back on the process: in a fork child, and at the end.
  void forget_all();

  [[nodiscard]] bool any() const {
    return any_.load(std::memory_order_acquire);
  }
  [[nodiscard]] bool has(GroupNumber number) const {
    return number >= 0 && number < static_cast<GroupNumber>(kGroupPlaces) &&
           groups_[number].live.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint8_t owner_mark(GroupNumber number) const {
    return has(number) ? static_cast<std::uint8_t>(number + 1) : OwnerMap::kNobody;
  }
  // Whose memory that is; kNoGroup: the process' own.
  [[nodiscard]] GroupNumber owner_at(std::uintptr_t address) const {
    return static_cast<GroupNumber>(owners_.owner_of(Granule::holding(address))) - 1;
  }
  OwnerMap& owners() {
    return owners_;
  }
  [[nodiscard]] ContainerId container(GroupNumber number) const;
  [[nodiscard]] MemberRecord& record(GroupNumber number) const;
  // Its place in the books.
  [[nodiscard]] MemberId member(GroupNumber number) const {
    return groups_[number].member;
  }
  // The owners (bit n: that of mark n) whose memory is not to leave for the sake of the process' container or of one
  // above it: the protected, by a minimum; as long as there is a choice, those that are charged outside it, too.
  [[nodiscard]] std::uint32_t marks_to_spare(bool has_choice) const;
  // The group that is charged to `id`; kNoGroup where none is, or the process as well.
  [[nodiscard]] GroupNumber group_in(ContainerId id) const;

  // As of the last scan, less what was evicted since.
  [[nodiscard]] Pages held(GroupNumber number) const {
    return Pages{groups_[number].held.load(std::memory_order_relaxed)};
  }
  // A thread of the group has taken so many faults since it last said so.
  void note_faults(GroupNumber number, std::uint64_t faults) {
    groups_[number].grown.fetch_add(faults, std::memory_order_relaxed);
  }
  // So much may have been added that the last scan tells little.
  [[nodiscard]] bool wants_scan(GroupNumber number) const {
    constexpr std::uint64_t kLeast = 256;
    const std::uint64_t grown = groups_[number].grown.load(std::memory_order_relaxed);
    return grown >= kLeast && grown >= held(number).count / 8;
  }
  // Counts what each group holds and has paged out, and writes the books. 0 or an errno; 0 at once
  // while another thread does.
  int scan(Os& os, Pagemap& pagemap);
  // The same unless it was done a moment ago, by what it costs.
  int scan_if_due(Os& os, Pagemap& pagemap);
  // So many pages of the group have left since the last scan.
  void note_left(GroupNumber number, Pages left);
  // The same of the whole process.
  void note_left_of_all(Pages left) {
    left_.fetch_add(left.count, std::memory_order_relaxed);
  }
  // By how much the groups together may have grown since the last scan: what the process holds more by its account's
  // last reading, and what has left of it. For where no sample tells of faults.
  [[nodiscard]] Pages grown_since_scan() const;

  // Where the containers of the group stand, below the process' own, with what its threads may
  // have taken since the scan and `expected` pages on top.
  [[nodiscard]] Standing standing(GroupNumber number, Pages expected) const;

 private:
  struct Group {
    std::atomic<bool> live{false};
    MemberId member;
    std::atomic<std::uint64_t> held{0};
    std::atomic<std::uint64_t> grown{0};
  };

  int scan_alone(Os& os, Pagemap& pagemap);
  void take_from_process(Pages held, Pages swapped);
  void publish(GroupNumber number, Pages held, Pages swapped);

  RegistryView* view_ = nullptr;
  const Account* account_ = nullptr;
  std::atomic<bool> any_{false};
  Group groups_[kGroupPlaces];
  OwnerMap owners_;
  // One scan at a time: the reclaimer's, or that of the only thread there is.
  std::atomic<bool> scanning_{false};
  std::atomic<std::uint64_t> scanned_ns_{0};
  std::atomic<std::uint64_t> took_ns_{0};
  std::atomic<std::uint64_t> left_{0};       // of the whole process so far, pages
  std::atomic<std::uint64_t> left_then_{0};  // at the last scan, and what the process held by its last reading
  std::atomic<std::uint64_t> reading_then_{0};
};

}  // namespace weir
