// stall_time.h - the time in which a thread stands still for the sake of a container, told as pressure.
//
// Safe in signal handlers.
#pragma once

#include "core/pressure.h"
#include "reclaim/engine.h"

namespace weir {

// All work stands still with it where the container is this one process, and the process this one thread.
class StallTime {
 public:
  StallTime(Engine& engine, ContainerId id) : engine_(engine), id_(id), since_ns_(engine.os.now_ns()) {
    begin(since_ns_);
  }
  // While it goes on: what has passed counts by now, for who watches, and not at its end alone.
  void tick() {
    constexpr std::uint64_t kStepNs = 100'000'000;
    if (const std::uint64_t now = engine_.os.now_ns(); now - some_.ns >= kStepNs) {
      note(now);
      begin(now);
    }
  }
  // How long it was, in ns.
  std::uint64_t end() {
    const std::uint64_t now = engine_.os.now_ns();
    note(now);
    return now - since_ns_;
  }

 private:
  [[nodiscard]] ContainerRecord& record() const {
    return engine_.view.container(id_);
  }
  void begin(std::uint64_t now) {
    some_ = begin_stall(record().some, now);
    full_ = begin_stall(record().full, now);
  }
  void note(std::uint64_t now) {
    note_stall(record().some, some_, now);
    if (!engine_.many_threads.load(std::memory_order_relaxed) && members_of(engine_.view, id_) == 1) {
      note_stall(record().full, full_, now);
    }
  }

  Engine& engine_;
  ContainerId id_;
  std::uint64_t since_ns_;
  StallStart some_;
  StallStart full_;
};

}  // namespace weir
