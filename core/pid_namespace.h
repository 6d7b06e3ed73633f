// pid_namespace.h - whose pids ours are: the same number means another process in another PID namespace.
//
// Safe in signal handlers.
#pragma once

#include <cstdint>

#include "core/os.h"

namespace weir {

// Its inode, the same for all processes of one namespace (pid_namespaces(7)); 0: there is no /proc to tell.
std::uint64_t pid_namespace(Os& os);

// The same of another process; 0: it is gone, or not ours to look at.
std::uint64_t pid_namespace_of(Os& os, std::uint32_t pid);

// False: /proc was mounted in a namespace above, or below, and what it has under a pid of ours is another process.
bool proc_is_ours(Os& os);

}  // namespace weir
