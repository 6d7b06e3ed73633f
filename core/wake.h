// wake.h - waking the reclaimers of other members.
#pragma once

#include "core/registry.h"

namespace weir {

// Whose reclaimer acts for the place `id` that `pid` has: its own, or for a thread group its process'.
MemberId actor_of(const RegistryView& view, MemberId id, std::uint32_t pid);

// Puts a request for that many pages into the record. False: somebody is asking already. Who asks wakes the
// reclaimer then, and takes the request back should it not be answered.
bool request_pages(MemberRecord& record, Pages wanted);

// Ends a request of that kind, answered or not. False: it had ended already.
bool end_request(MemberRecord& record, std::uint32_t kind);

// Puts it with the wake-up: its reclaimer's, or, where it runs none, by the dump signal: for who asks once and by
// hand, since a program's sleep is ended by it. False: it cannot be asked.
bool ask_for_pages(Os& os, RegistryView& view, MemberId id, std::uint32_t pid, Pages wanted);

// The value of that signal, which says that it is none to dump by: a request that was withdrawn meanwhile is nothing.
inline void* asked_cookie() {
  return reinterpret_cast<void*>(0x7765'6972);
}

// Asks the process at `id` to leave charged here what it holds (reclaim/left_behind.h), since it is about to be
// moved, and waits for the answer, kMostAnswerNs at most. False: it cannot be asked, or has not answered.
inline constexpr std::int64_t kMostAnswerNs = 1'000'000'000;
bool ask_to_leave(Os& os, RegistryView& view, MemberId id, std::uint32_t pid);

// Lets it look at once, if it sleeps. Lock-free.
void wake_reclaimer_of(Os& os, MemberRecord& record);

// The same for every member of `top` and below.
void wake_reclaimers_below(Os& os, const RegistryView& view, ContainerId top);

}  // namespace weir
