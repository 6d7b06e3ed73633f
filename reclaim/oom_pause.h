// oom_pause.h - since when this process waits for room under `oom=pause`, over as many stalls as that takes.
//
// A stall ends without room for many reasons: a signal calls the thread away, or a few pages leave
// and come back, of which more rounds would bring no more. Would each begin the pause anew, one that
// is longer than a stall would never be over.
//
// Any thread; lock-free. Threads that begin the same pause at once differ by no more than their stalls do.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "core/book.h"

namespace weir {

// That of one container.
class OomPause {
 public:
  // Nothing is left but to wait, in a stall that began at `stalled_since_ns`. Since when we wait, ns.
  std::uint64_t go_on(std::uint64_t now_ns, std::uint64_t stalled_since_ns) {
    if (!lasts(now_ns)) {
      since_ns_.store(stalled_since_ns, std::memory_order_relaxed);
    }
    seen_ns_.store(now_ns, std::memory_order_relaxed);
    return since_ns_.load(std::memory_order_relaxed);
  }
  void end() {
    seen_ns_.store(0, std::memory_order_relaxed);
  }
  [[nodiscard]] bool lasts(std::uint64_t now_ns) const {
    const std::uint64_t seen = seen_ns_.load(std::memory_order_relaxed);
    return seen != 0 && now_ns - std::min(seen, now_ns) < kForgetNs;
  }

 private:
  // Who has not come to the limit for so long has had room.
  static constexpr std::uint64_t kForgetNs = 1'000'000'000;

  std::atomic<std::uint64_t> since_ns_{0};
  std::atomic<std::uint64_t> seen_ns_{0};  // when that was last so; 0: we do not wait
};

// Of the few containers whose limits one process can meet, those of its thread groups among them. A process of more
// than that begins a pause anew where two share a place.
class OomPauses {
 public:
  // As those of OomPause.
  [[nodiscard]] bool lasts(ContainerId id, std::uint64_t now_ns) const {
    const Place& place = places_[id.index % kPlaces];
    return place.container.load(std::memory_order_relaxed) == id.index && place.pause.lasts(now_ns);
  }
  std::uint64_t go_on(ContainerId id, std::uint64_t now_ns, std::uint64_t stalled_since_ns) {
    Place& place = places_[id.index % kPlaces];
    if (place.container.exchange(id.index, std::memory_order_relaxed) != id.index) {
      place.pause.end();
    }
    return place.pause.go_on(now_ns, stalled_since_ns);
  }
  void end(ContainerId id) {
    Place& place = places_[id.index % kPlaces];
    if (place.container.load(std::memory_order_relaxed) == id.index) {
      place.pause.end();
    }
  }
  // In a fork child, which does not wait.
  void end_all() {
    for (Place& place : places_) {
      place.pause.end();
    }
  }

 private:
  static constexpr std::uint32_t kPlaces = 16;
  struct Place {
    std::atomic<std::uint32_t> container{0};
    OomPause pause;
  };
  std::array<Place, kPlaces> places_;
};

}  // namespace weir
