// process_rules.h - which container below the run's own this process is in, by its title (WEIR_PROCESSES).
//
// A server that forks tells in its title what a process is there for: "postgres: bench test [local]
// SELECT", "nginx: worker process". The first rule that fits moves the process, with what it holds,
// below the container that the environment named; a title that no rule fits leaves it where it is,
// and so does a move by hand. A fork child begins where its parent is.
#pragma once

namespace weir {

struct Process;

// Follows the title if it is another than last time. The caller holds no allocator lock; the
// registry's file lock is taken for the move.
void follow_title(Process& p);
// In a fork child: its rules have not been asked yet.
void forget_title();

}  // namespace weir
