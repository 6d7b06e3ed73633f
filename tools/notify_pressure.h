// notify_pressure.h - `weir notify --pressure`: a line for each window in which a container stood still too long.
#pragma once

#include <string>

#include "core/pressure_trigger.h"
#include "tools/session.h"

namespace weir {

// "some 200000 2000000", or refuses it (exit 2).
PressureTrigger read_trigger(const std::string& text);

// Stalls of one container by name, as they grow. A kernel's trigger looks ten times in its window; so do we.
class PressureGauge {
 public:
  PressureGauge(Session& session, std::string name, const PressureTrigger& trigger)
      : session_(session), name_(std::move(name)), trigger_(trigger) {}

  // Above 0 when there is something to tell, once a window: us.
  [[nodiscard]] std::uint64_t read(ContainerId id);
  [[nodiscard]] std::string line(std::uint64_t stalled_us, bool json) const;

 private:
  Session& session_;
  std::string name_;
  PressureTrigger trigger_;
  StallHistory history_;
  std::uint64_t told_ns_ = 0;
};

}  // namespace weir
