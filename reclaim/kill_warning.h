// kill_warning.h - who asked for it is told before it is killed, and gets a moment to give memory back.
//
// The member says by its record how long that is to be. Whoever has found that nothing can be
// reclaimed raises the member's word, where a thread of its own sleeps (preload/callbacks.cc), and
// sets the container's grace: until its end the reserve serves allocations and nobody is killed.
// Should there be room by then, that was all. Else the next one who finds no room kills, without
// another warning; and should nobody grow any more, the reclaimer of the process that warned does.
//
// Refused: to wait for an answer. One that never comes would hold up everybody else.
//
// Safe in signal handlers; lock-free. warn_of_kill() and begin_warnings() by the one who holds the
// container's oom_killer.
#pragma once

#include "reclaim/engine.h"

namespace weir {

// However much a member asks for.
inline constexpr std::uint32_t kMostGraceMs = 1000;

[[nodiscard]] bool in_grace(const Engine& engine, ContainerId id);

// Warnings that nobody came back to are forgotten, so that the members are told anew.
void begin_warnings(Engine& engine, ContainerId id);
// Tells `pid` unless it knows, or never asked. Os::now_ns() at which its grace ends; 0: it has none.
std::uint64_t warn_of_kill(Engine& engine, ContainerId id, std::uint32_t pid);
// Whoever comes next to die is warned anew.
void end_warnings(Engine& engine, ContainerId id);
// The container has room: ends its warnings, if their grace is over. One load where there are none.
void note_room_after_grace(Engine& engine, ContainerId id);

// The reclaimer's: kills when the grace that this process gave is over and there is no room.
// Nanoseconds until it is to be called again, negative: until the next warning.
std::int64_t mind_grace(Engine& engine);

}  // namespace weir
