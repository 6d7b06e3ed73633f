// enomem.h - the policy under which an allocation fails where others kill.
//
// What does not fit is refused. A reserve (1 MiB, or 1/32 of the limit) still serves small allocations, so that
// handlers and unwinding work, and faults, which cannot be refused. Safe in signal handlers.
#pragma once

#include "reclaim/charge.h"

namespace weir {

// One of the limits there, or above, has the policy: which of them is met shows when it is.
bool may_refuse_in(const RegistryView& view, ContainerId at);
bool fits_reserve(const Standing& standing);
bool refuses(const Engine& engine, const Standing& standing, const ChargeRequest& request);
// What is refused unless there is room for all of it. For what is touched already, batches will do.
Pages needed_at_once(const Engine& engine, const Standing& standing, const ChargeRequest& request);
// Under the policy faults that have happened may use the reserve.
bool within_reserve(const Engine& engine, const Standing& standing);
// Counts it, and tells of the first.
Verdict refuse(Engine& engine, const Standing& standing, const ChargeRequest& request);
// Whether the policy can do without room, and without a kill: refuse, or serve from the reserve.
bool has_answer(const Engine& engine, const Standing& standing, const ChargeRequest& request);
Verdict give_answer(Engine& engine, const Standing& standing, const ChargeRequest& request);

// A moment after something was refused with all that could be tried, what does not fit either is refused at once, and
// what the reserve is for is served. An interpreter asks so for each object, with another way to go on. False: try.
bool answered_again(Engine& engine, const ChargeRequest& request, const Standing& standing, Verdict& verdict);
// The program gives address space back, which the allocator's counts do not tell.
void forget_refusal(Engine& engine, std::size_t bytes);

}  // namespace weir
