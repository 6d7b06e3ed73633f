// stall.h - what a thread does that met the limit.
//
// Safe in signal handlers. The caller has marked itself as inside weir.
#pragma once

#include "reclaim/charge.h"

namespace weir {

// Rounds of reclaim until there is room, or nothing more can be had and the policy decides.
Verdict stall(Engine& engine, const ChargeRequest& request, Standing standing);

// Policy enomem: a moment after something was refused with all that could be tried, what does not fit either is refused
// at once, and what the reserve is for is served. An interpreter asks so for each object, with another way to go on.
// False: try.
bool answered_again(Engine& engine, const ChargeRequest& request, const Standing& standing, Verdict& verdict);

}  // namespace weir
