// gone_namespaces.h - registries of PID namespaces that have ended.
//
// A namespace ends by the death of its first process, which takes the others with it: nobody in there is left to
// remove what was theirs, and a later one with the same inode would find containers that were not made for it.
#pragma once

#include "tools/session.h"

namespace weir {

// Removes them from the directory of an open registry, where all processes they could belong to can be looked at.
void remove_gone_namespaces(Session& session);

}  // namespace weir
