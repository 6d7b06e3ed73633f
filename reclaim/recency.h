// recency.h - whether what was used longest ago is what should leave.
//
// A loop over more memory than there is finds everything gone when it comes round, if the least recently used leaves
// first; had part of it stayed, that part would be there. EELRU (Smaragdakis, Kaplan, Wilson: "EELRU: simple and
// effective adaptive page replacement", SIGMETRICS 1999) notices by counting how long ago pages that are used again
// were used before, in other pages used since, whether they are still there or not. Where many come back from just
// beyond what memory holds, and few from within, pages leave early: soon after their use, and what is older stays.
//
// Not thread-safe: callers hold the lock of the SharedRanking. Safe in signal handlers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/units.h"

namespace weir {

class Recency {
 public:
  static constexpr std::size_t kStepsOfMemory = 8;
  static constexpr std::size_t kSteps = 4 * kStepsOfMemory;  // what is further away nobody could keep

  // Time is counted in pages that were used and had not been for a while; it wraps, so that only differences count.
  // `used_at` is when a granule was last known to be used, 0 at first: both calls move it on.
  //
  // Pages of it came, or came back (`back` of them, which had left).
  void note_arrival(std::uint32_t& used_at, Pages came, Pages back);
  // Pages of it that were there were used.
  void note_use(std::uint32_t& used_at, Pages used);
  // Time goes on; so much is resident. Decides anew whether pages shall leave early.
  void turn(Pages resident);
  [[nodiscard]] bool leaves_early() const {
    return early_;
  }
  // How long before the last turn that was, in parts of what memory holds.
  [[nodiscard]] std::uint32_t ago(std::uint32_t used_at, std::uint32_t parts) const;

 private:
  [[nodiscard]] std::uint32_t parts_between(std::uint32_t used_at, std::uint32_t now, std::uint32_t parts) const;
  // Gives how many steps ago they were used before.
  std::size_t note_again(std::uint32_t used_at, std::uint32_t now, Pages pages);
  [[nodiscard]] std::uint64_t hits_if_early() const;
  [[nodiscard]] std::uint64_t hits_if_late() const;

  std::uint32_t now_ = 0;
  std::uint32_t turned_at_ = 0;
  std::uint32_t since_halved_ = 0;
  std::uint64_t memory_ = 0;  // pages
  std::array<std::uint32_t, kSteps> again_{};
  bool early_ = false;
};

}  // namespace weir
