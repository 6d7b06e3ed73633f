// group_reclaim.h - the reclaimer's work for the thread groups of this process.
#pragma once

#include "reclaim/background.h"

namespace weir {

// Brings every group below its high watermark again, out of its own memory, in bounded batches.
// `result` gets the standing that is nearest to a limit, and whether anything was done.
void look_at_groups(Engine& engine, GrowthWatch& watch, LookResult& result, bool direct_only);

}  // namespace weir
