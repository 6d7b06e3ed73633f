// fork_shares.h - what members still share with the process that forked them, counted from outside.
//
// A page that a fork child shares is its parent's to pay for. It becomes the child's own when either writes to it or
// the parent ends, which no count of /proc tells but the exclusive bit of its pagemap (bit 56), 12 ns a page. A child
// that only touches memory runs none of our code, so whoever looks counts for it.
#pragma once

#include "core/usage.h"
#include "reclaim/pagemap.h"

namespace weir {

// For each living fork child in the subtree but `except_pid`, into its record: its charge follows when it is read next
// (core/stats.h). Opens files.
void recount_shares(Os& os, RegistryView& view, const Subtree& subtree, std::uint32_t except_pid, ScanBuffer& buffer);

}  // namespace weir
