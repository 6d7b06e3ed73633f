// group_counts.h - asks processes with thread groups to count what each of them holds.
//
// From outside only the whole process can be measured. Its reclaimer counts the groups' shares
// when memory grows; for statistics of a quiet moment it is asked for a last look.
#pragma once

#include "core/registry.h"
#include "core/usage.h"

namespace weir {

// Waits half a second at most for each process that has a group in the subtree.
void count_groups(Os& os, RegistryView& view, const Subtree& subtree);

}  // namespace weir
