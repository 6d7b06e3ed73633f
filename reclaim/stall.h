// stall.h - what a thread does that met the limit.
//
// Safe in signal handlers. The caller has marked itself as inside weir.
#pragma once

#include "reclaim/charge.h"
#include "reclaim/stall_time.h"

namespace weir {

// Rounds of reclaim until there is room, or nothing more can be had and the policy decides. `time` ticks meanwhile.
Verdict stall(Engine& engine, const ChargeRequest& request, Standing standing, StallTime& time);

}  // namespace weir
