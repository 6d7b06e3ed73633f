// book.h - one member's entry in the books: who, which container, how many pages, in one word.
//
// Because the three travel in one 64-bit atomic, every step is whole: a kill -9 between two
// instructions leaves an entry that is either the old or the new one. Moving a member with
// all it holds is one compare-and-swap; forgetting a dead one too. A container's usage is
// never stored: it is the sum over the entries that name it, so it cannot drift.
//
// Refused: a usage counter per container with additions and subtractions, as the kernel's
// page_counter has. A process that dies between its own entry and the counter leaks there.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/units.h"

namespace weir {

inline constexpr int kPidBits = 22;  // the kernel's PID_MAX_LIMIT is 2^22
inline constexpr int kContainerBits = 10;
inline constexpr int kChargeBits = 32;  // 16 TiB in pages

// A container's place in the registry.
struct ContainerId {
  std::uint32_t index = 0;
  constexpr auto operator<=>(const ContainerId&) const = default;
};

// An entry by value. pid 0 means the place is free.
struct BookEntry {
  std::uint32_t pid = 0;
  ContainerId container;
  Pages charge;

  [[nodiscard]] constexpr std::uint64_t packed() const {
    constexpr std::uint64_t kMostPages = (std::uint64_t{1} << kChargeBits) - 1;
    const std::uint64_t pages = charge.count < kMostPages ? charge.count : kMostPages;
    return (std::uint64_t{pid} << (kContainerBits + kChargeBits)) | (std::uint64_t{container.index} << kChargeBits) |
           pages;
  }
  static constexpr BookEntry from(std::uint64_t word) {
    constexpr std::uint64_t kContainerMask = (std::uint64_t{1} << kContainerBits) - 1;
    constexpr std::uint64_t kChargeMask = (std::uint64_t{1} << kChargeBits) - 1;
    return {static_cast<std::uint32_t>(word >> (kContainerBits + kChargeBits)),
            ContainerId{static_cast<std::uint32_t>((word >> kChargeBits) & kContainerMask)}, Pages{word & kChargeMask}};
  }
};

// An entry in shared memory.
class BookWord {
 public:
  [[nodiscard]] BookEntry load() const {
    return BookEntry::from(word_.load(std::memory_order_acquire));
  }
  // True when the place was free and is now `entry`'s.
  bool claim(const BookEntry& entry) {
    return replace(BookEntry{}, entry);
  }
  // True when the entry was still `expected`; nothing changes otherwise.
  bool replace(const BookEntry& expected, const BookEntry& wanted) {
    std::uint64_t old = expected.packed();
    return word_.compare_exchange_strong(old, wanted.packed(), std::memory_order_acq_rel);
  }
  // Sets the charge of the entry, whatever container it is in by now, if it is still `pid`'s.
  // False when it no longer is. A free place (pid 0) takes no charge: it could not be claimed again.
  bool set_charge(std::uint32_t pid, Pages charge) {
    for (BookEntry seen = load(); seen.pid == pid && pid != 0; seen = load()) {
      if (replace(seen, {pid, seen.container, charge})) {
        return true;
      }
    }
    return false;
  }
  // Frees the place if it is still `pid`'s.
  void release(std::uint32_t pid) {
    for (BookEntry seen = load(); seen.pid == pid; seen = load()) {
      if (replace(seen, BookEntry{})) {
        return;
      }
    }
  }

 private:
  std::atomic<std::uint64_t> word_;
};

static_assert(sizeof(BookWord) == 8 && std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace weir
