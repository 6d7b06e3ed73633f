// named_groups.h - the groups that rules name: a container each, and an arena once a thread has come.
//
// Thread-safe but for name_groups(). Not for signal handlers, nor while holding an allocator lock.
#pragma once

#include <string_view>

#include "reclaim/thread_groups.h"

namespace weir {

struct Process;

// Makes the containers that the rules name. In the constructor, while there is one thread.
void name_groups(Process& p);
bool any_group_is_named();
// Places and arenas are made anew when they are needed: in a fork child.
void forget_made_groups();

// The group of that name, or kNoGroup.
GroupNumber number_of(std::string_view name);

// True when the group has its place in the books and its arena, which the first to ask makes.
bool is_made(Process& p, GroupNumber number);
// Once it is made.
unsigned arena_of(GroupNumber number);

}  // namespace weir
