// notify_pressure.cc - growth of the container's stall time over a window.
#include "tools/notify_pressure.h"

#include <nlohmann/json.hpp>

#include "tools/moment.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr std::uint64_t kNsPerUs = 1000;

}  // namespace

PressureTrigger read_trigger(const std::string& text) {
  PressureTrigger trigger;
  if (!parse_trigger(text, trigger)) {
    refuse_value("--pressure", text, "is no trigger such as 'some 200000 2000000' (window of 500000 to 10000000 us)");
  }
  return trigger;
}

std::uint64_t PressureGauge::read(ContainerId id) {
  const ContainerRecord& record = session_.view().container(id);
  const std::uint64_t now = session_.os().now_ns();
  history_.note(now, (trigger_.full ? record.full : record.some).total_ns.load(std::memory_order_relaxed));
  const std::uint64_t grown = history_.grown(trigger_.window_ns);
  if (grown < trigger_.threshold_ns || now - told_ns_ < trigger_.window_ns) {
    return 0;
  }
  told_ns_ = now;
  return grown / kNsPerUs;
}

std::string PressureGauge::line(std::uint64_t stalled_us, bool json) const {
  const std::uint64_t wall_ns = session_.os().wall_ns();
  const std::uint64_t window_us = trigger_.window_ns / kNsPerUs;
  const char* const kind = trigger_.full ? "full" : "some";
  if (json) {
    const nlohmann::ordered_json out = {{"time", timestamp(wall_ns)}, {"time_us", wall_ns / kNsPerUs},
                                        {"container", name_},         {"pressure", kind},
                                        {"stalled_us", stalled_us},   {"window_us", window_us}};
    return out.dump() + "\n";
  }
  return timestamp(wall_ns) + " " + name_ + " " + kind + " stalled " + std::to_string(stalled_us) + " of " +
         std::to_string(window_us) + "\n";
}

}  // namespace weir
