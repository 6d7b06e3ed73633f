// reclaim_passes.h - bringing a container's usage down to an amount, and telling how far that came.
#pragma once

#include <string>

#include "tools/reclaim_ask.h"
#include "tools/session.h"

namespace weir {

struct ShrinkOutcome {
  Pages before;
  Pages after;
  GivenBack given;

  // Within a granule, which is the least that leaves.
  [[nodiscard]] bool reached(Pages target) const {
    return after <= target + Pages{kPagesPerGranule};
  }
};

// What the container and those below it hold, after a fresh look at all members.
Pages usage_now(Session& session, ContainerId id);

// A few bounded passes over its members, with progress on stderr where that is a terminal.
ShrinkOutcome shrink_to(Session& session, ContainerId id, Pages target);

// What was given back, what stayed and why, and who could not be asked.
std::string as_text(std::string_view name, const ShrinkOutcome& outcome);

}  // namespace weir
