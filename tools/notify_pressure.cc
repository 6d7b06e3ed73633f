// notify_pressure.cc - growth of the container's stall time over a window.
#include "tools/notify_pressure.h"

#include <nlohmann/json.hpp>

#include "tools/moment.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr std::uint64_t kNsPerUs = 1000;
constexpr std::uint64_t kKeptTurnNs = 1'000'000'000;

}  // namespace

PressureTrigger read_trigger(const std::string& text) {
  PressureTrigger trigger;
  if (!parse_trigger(text, trigger)) {
    refuse_value("--pressure", text, "is no trigger such as 'some 200000 2000000' (window of 500000 to 10000000 us)");
  }
  return trigger;
}

bool PressureGauge::read(std::uint64_t& stalled_us) {
  stalled_us = 0;
  ContainerId id;
  if (!session_.view().find(name_, id)) {
    return false;
  }
  const ContainerRecord& record = session_.view().container(id);
  const std::uint64_t now = session_.os().now_ns();
  if (now - kept_ns_ >= kKeptTurnNs) {
    kept_ns_ = now;
    refresh_charges(session_.os(), session_.view(), Subtree::below(session_.view(), id));
    if (!session_.is_kept(id)) {
      return false;
    }
  }
  history_.note(now, (trigger_.full ? record.full : record.some).total_ns.load(std::memory_order_relaxed));
  const std::uint64_t grown = history_.grown(trigger_.window_ns);
  if (grown >= trigger_.threshold_ns && now - told_ns_ >= trigger_.window_ns) {
    told_ns_ = now;
    stalled_us = grown / kNsPerUs;
  }
  return true;
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
