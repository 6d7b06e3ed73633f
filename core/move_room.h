// move_room.h - asking the members of a container to give memory back before another one moves in.
//
// The request is MemberRecord::reclaim_wanted, as for shrinking on demand; the answer comes from
// the member's reclaimer thread. Without one the dump signal asks it; who is stopped is not asked.
#pragma once

#include "core/move.h"

namespace weir {

// One round. Whoever cannot make enough room for `charge` together is not troubled for nothing.
// Gives what was given back by `deadline` (Os::now_ns()), or by when there was room.
Pages make_room(Os& os, RegistryView& view, const MoveLevel& level, Pages charge, std::uint64_t deadline);

}  // namespace weir
