// mute_members.h - members that give nothing back themselves: who they are, and taking it from outside.
//
// Stopped ones, and those that have gone over to a program without our code, hear nobody; those far from every mark
// have no reclaimer that would. Refused: to ask these by a signal. One that calls exec just then would be killed by
// it, and what they hold together is a quarter of a mark at most (preload/growth.cc).
#pragma once

#include "reclaim/engine.h"

namespace weir {

// Finds them among the members of `id` and below, which counts them as unevictable (core/usage.h), and pages out of
// them up to `wanted` pages where the kernel lets us (reclaim/page_out_other.h): of stopped and idle ones all, of
// those that run their share. Ten times a second for each container, or fifty where some left. What left.
// Opens files: the reclaimer thread's.
Pages page_out_of_mute(Engine& engine, ContainerId id, Pages wanted);

}  // namespace weir
