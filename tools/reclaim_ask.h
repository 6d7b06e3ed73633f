// reclaim_ask.h - asking the members of a container to give memory back, and waiting for them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <set>

#include "core/registry.h"
#include "core/usage.h"

namespace weir {

struct GivenBack {
  Pages done;
  std::array<Pages, kStayReasons> stayed{};
  std::uint32_t unasked = 0;  // members that cannot answer: stopped, static, or gone silent
  Pages unasked_usage;
};

// Told of the pages given back so far, some times a second. False: that is enough, the rest is not wanted any more.
using Progress = std::function<bool(Pages done)>;

// Places of members that gave much less than they were asked for: no use asking them again.
using SpentMembers = std::set<std::uint32_t>;

// One pass over all members but the spent: each is asked for its share of `wanted` by what it holds beyond the
// minimum of its container, where that is below `top`. Members
// that run our code give back by themselves; of the others (stopped, static binaries) memory is
// paged out from here where CAP_SYS_NICE allows it. Bounded by each member's progress.
GivenBack ask_members(Os& os, RegistryView& view, ContainerId top, Pages wanted, const Progress& progress,
                      SpentMembers& spent);

}  // namespace weir
