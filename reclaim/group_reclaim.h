// group_reclaim.h - the reclaimer's work for the thread groups of this process.
#pragma once

#include "reclaim/background.h"

namespace weir {

// Brings every group below its high watermark again, out of its own memory, in bounded batches.
// `result` gets the standing that is nearest to a limit, and whether anything was done.
void look_at_groups(Engine& engine, GrowthWatch& watch, LookResult& result, bool direct_only);

// Of the process' `standing` and those of its groups, where no sample tells of their growth, the nearest to its limit:
// with all that the process has come to hold since the groups were last counted, whoever has it.
Standing nearest_standing(const Engine& engine, const Standing& standing);

}  // namespace weir
