// change.h - changing a live container: all of what is asked for, or nothing.
//
// Shared by `weir set` and by `weir run` on a container that is there already. The invariant
// is low <= high <= limit; whoever would break it is told which two values clash.
#pragma once

#include <optional>
#include <string>

#include "core/options.h"
#include "core/registry.h"

namespace weir {

// A watermark as asked for: an amount, a share of the limit, or "none".
struct WantedMark {
  Mark mark;
  bool none = false;
  std::string name;  // as the user wrote it: "--high", "high_watermark"

  [[nodiscard]] Pages against(Pages limit) const {
    return none ? Pages::all() : mark.against(limit);
  }
};

struct Change {
  std::optional<Pages> limit;
  std::string limit_name = "limit";
  std::optional<WantedMark> high;
  std::optional<WantedMark> low;
  std::optional<Pages> swap_limit;
  std::optional<Pages> minimum;
  std::optional<OomChoice> oom;
  std::optional<bool> background;
  std::optional<bool> load_control;
  std::optional<std::uint32_t> proactive;  // hundredths of a percent; 0: off
  std::optional<ThrashChoice> thrash;

  [[nodiscard]] bool touches_marks() const {
    return limit || high || low;
  }
  [[nodiscard]] bool empty() const {
    return !touches_marks() && !swap_limit && !minimum && !oom && !background && !load_control && !proactive && !thrash;
  }
};

// What watermarks do that were never set by hand when the limit changes: `set` keeps them
// where they stand, `run` describes the container anew, so they follow.
enum class Defaults { kKeep, kFollow };

// The marks after the change. Refuses (exit 2) what would break the invariant, and a share of
// a limit that is not there. Watermarks that were "none" get their defaults with a first limit.
Marks planned_marks(const ContainerRecord& record, const Change& change, Defaults defaults, std::string_view container);

// Makes the change, posts the event, and wakes the members so that they look at the new marks.
void apply_change(Os& os, RegistryView& view, ContainerId id, const Change& change, const Marks& marks,
                  std::string_view described);

}  // namespace weir
