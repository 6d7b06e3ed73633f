// replay_memory.h - the pages of a recorded process, as they were, and as they would be under another policy.
//
// Both at once, by granule: what the recording says was present or out, and what the policy under replay has left
// present. A page that the program used while it was out under replay is a refault of the replay.
#pragma once

#include <cstdint>
#include <map>

#include "core/units.h"
#include "reclaim/recording.h"

namespace weir {

struct ReplayPlace {
  std::uint16_t was_present = 0;
  std::uint16_t was_out = 0;
  std::uint16_t present = 0;
  std::uint16_t out = 0;
  std::uint16_t referenced = 0;
  bool random = false;  // MADV_RANDOM: cuts mappings
};

class ReplayMemory {
 public:
  using Places = std::map<std::uint64_t, ReplayPlace>;

  // Books one granule's part of a recorded change. Gives the pages that the program has used; what it gave up is gone.
  // False: it cannot be, for a page would be present and out at once.
  [[nodiscard]] bool change(std::uint64_t granule, std::uint16_t present, std::uint16_t out, std::uint16_t& used);
  // The program uses one page. True when that is a fault.
  bool touch(ReplayPlace& place, std::uint16_t page);
  // What is present in `range` leaves. Gives how much that was.
  Pages page_out(AddressRange range);
  void forget_use(AddressRange range);
  void set_random(AddressRange range, bool random);
  // The process is dead.
  void clear();

  [[nodiscard]] Places& places() {
    return places_;
  }
  [[nodiscard]] Pages present() const {
    return present_;
  }
  [[nodiscard]] Pages out() const {
    return out_;
  }
  [[nodiscard]] std::uint64_t minor_faults() const {
    return minor_faults_;
  }
  // Refaults.
  [[nodiscard]] std::uint64_t major_faults() const {
    return major_faults_;
  }
  [[nodiscard]] Pages evicted() const {
    return evicted_;
  }
  [[nodiscard]] Pages peak() const {
    return peak_;
  }

 private:
  Places places_;
  Pages present_;
  Pages out_;
  Pages peak_;
  Pages evicted_;
  std::uint64_t minor_faults_ = 0;
  std::uint64_t major_faults_ = 0;
};

}  // namespace weir
