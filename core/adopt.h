// adopt.h - children of members that do not attach themselves: static and setuid programs, those started without
// weir's environment, by vfork or posix_spawn, and those in a PID namespace of their own.
//
// None of our code runs where they start, or it keeps to another registry. So who looks at all members looks at their
// children, too, and gives those that cannot do it a place in their parent's container. What a parent leaves behind
// before anybody looks is lost.
#pragma once

#include "core/usage.h"

namespace weir {

// How many were found. Opens some files of /proc for each member and thread: for quiet moments.
std::uint32_t adopt_children(Os& os, RegistryView& view, const Subtree& subtree);

}  // namespace weir
