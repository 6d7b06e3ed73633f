// move_stay.h - before a move with `--policy stay`: the usage so far becomes an entry of its own in the books.
#pragma once

#include <string>

#include "core/move.h"
#include "tools/session.h"

namespace weir {

// "process 4711", as messages name it.
std::string process_text(std::uint32_t pid);

// Nothing, unless there is something in the way: what an earlier move left behind elsewhere. Exits 16.
void check_may_leave(Session& session, std::uint32_t pid);

// Asks the process, and waits. What it leaves in its container; exits 16 when it cannot be asked.
Pages leave_behind(Session& session, std::uint32_t pid);

}  // namespace weir
