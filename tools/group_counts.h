// group_counts.h - what a plain look at /proc does not tell: shares of thread groups, and of fork children.
//
// From outside only the whole process can be measured. Its reclaimer counts the groups' shares
// when memory grows; for statistics of a quiet moment it is asked for a last look.
#pragma once

#include "core/registry.h"
#include "core/usage.h"

namespace weir {

// Counts what fork children share no longer (reclaim/fork_shares.h), and asks processes with thread groups to count
// what each of them holds. Waits half a second at most for each process that has a group in the subtree.
void count_groups(Os& os, RegistryView& view, const Subtree& subtree);

}  // namespace weir
