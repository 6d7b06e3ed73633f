// thread_groups.h - which group each thread of the program is in, by the rules of WEIR_THREADS.
//
// A thread joins its group where it is safe to ask the allocator for something: when it begins,
// when it is named through libc, and else at its next safe point. From then on it allocates from
// the group's arena, and its mappings belong to the group. A thread begins in the group of the
// one that made it, and stays there until a rule fits its name or its number.
//
// A fork child begins with none: what it shares with its parent cannot be told apart. Its threads are grouped anew, in
// arenas of their own, and the one that forked goes back to its group at its first safe point.
#pragma once

#include <threads.h>

#include <cstddef>
#include <cstdint>

#include "reclaim/thread_groups.h"

namespace weir {

struct Process;

// Makes the groups' containers. In the constructor, while there is one thread.
void start_thread_groups(Process& p);
// No groups, and what the groups held is the process'; the caller is the only thread of a fork child.
void forget_thread_groups(Process& p);
// It has its place in the books now: groups are made again as threads need them.
void allow_thread_groups();
// True when there are rules and a container to apply them to.
bool thread_groups_wanted();

// The group of the calling thread. Safe in signal handlers.
GroupNumber current_group();
// Tells the group what faults the calling thread has taken since the last time. Safe in signal
// handlers.
void note_own_faults();

// The calling thread has a new name, or may have one. It holds no allocator lock.
void apply_thread_rules();
void check_thread_name();
// A thread has given a name to another one: each looks at its own when it next may.
void note_foreign_rename();

// Wraps a new thread's beginning. nullptr: no memory, or no rules; then it starts as it is.
struct ThreadStart;
ThreadStart* wrap_thread(void* (*start)(void*), thrd_start_t c11_start, void* argument);
void* run_wrapped_thread(void* wrapped);
int run_wrapped_c11_thread(void* wrapped);
void discard_wrapped_thread(ThreadStart* wrapped);

// Enters and leaves a group by its name below the process' container. 0 or an errno.
int enter_group(const char* name);
int leave_group();

}  // namespace weir
