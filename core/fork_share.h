// fork_share.h - what of a fork child's memory its parent pays for, by the only thing that /proc tells: how many of its
// pages are not its alone.
//
// They may be shared with its parent, who pays for them, or with children of its own: those it pays for itself, as
// every parent does. So what it had alone when it forked is remembered, and taken off. What comes back out of swap that
// it shares with others is paid for by nobody while several have it: it cannot leave, and charged to each of them it
// would be more than there is.
//
// An estimate: where its children give back what they share while it shares other memory, it may be wrong by as much,
// on either side, until it shares no more than it inherited.
#pragma once

#include "core/member_record.h"
#include "core/units.h"

namespace weir {

// It was forked a moment ago: all that it has is its parent's.
void begin_share(MemberRecord& record, Pages anonymous);
// So many of its pages are not its alone, now. From outside, too; any number of threads.
void note_shared(MemberRecord& record, Pages not_exclusive);
// It forks, and pays for that much itself.
void note_fork(MemberRecord& record, Pages own);

}  // namespace weir
