// member_status.h - what /proc/PID/status says of a member: what it has paged out, and whether it can give memory back.
//
// Safe in signal handlers; any thread that may open descriptors.
#pragma once

#include "core/registry.h"

namespace weir {

// Reads it into the member's record, and posts an event when one that holds 1 MiB or more has gone mute. A process that
// cannot be read keeps what it had. A thread group has the reach of its process; what it has paged out it says itself.
void note_status(Os& os, RegistryView& view, MemberId id, std::uint32_t pid);

// Whether our library is mapped in a process. kHidden: not for us to know (setuid, not dumpable); kGone: it ends.
enum class OurCode { kMapped, kNotMapped, kHidden, kGone };
OurCode our_code_in(Os& os, std::uint32_t pid);

// Whether it is known to catch that signal; the default action of one that it does not would end it.
bool catches(Os& os, std::uint32_t pid, std::uint32_t signal);

inline Reach reach_of(const MemberRecord& record) {
  return static_cast<Reach>(record.reach.load(std::memory_order_relaxed));
}

}  // namespace weir
