// hold.h - a thread that outruns the reclaimer stands still for a while, and helps.
//
// Under the perf meter a thread is seen every few pages: a short wait near the limit will do.
// Under the fallback it runs unseen until the next poke, so it is given the whole way from low to the
// limit to run in, and waits until that is free again. Who asks for memory, too: a poke while it reads
// into what it got would end a read from a device, or a recv that waits for all, before its time.
#pragma once

#include <cstdint>

#include "reclaim/charge.h"
#include "reclaim/engine.h"

namespace weir {

// How far usage must come down before the thread goes on, and how long it waits without progress.
struct Hold {
  bool wanted = false;
  bool to_low = false;
  std::int64_t most_ns = 0;
};

Hold hold_for(const Engine& engine, const Standing& standing);

// Whether it is held before high is met: what comes in pieces of huge pages is touched unseen under the
// fallback, and all that else grows before the next piece must fit between low and high as well.
bool is_held_from_low(const Engine& engine, const ChargeRequest& request);

// Until there is the room that the hold asks for, or nothing has left for a while, 200 ms at most. Who may,
// evicts its part of what `standing` says must leave, so that its core is not idle meanwhile. Where hardly
// anything leaves, the reclaimer may have more to give: it can purge. Below high nobody else is at work, and
// nobody is waited for. `seen`: engine.room when it was judged.
// False: it did not stand still.
bool wait_held(Engine& engine, const ChargeRequest& request, const Hold& hold, std::uint32_t seen,
               const Standing& standing);

}  // namespace weir
