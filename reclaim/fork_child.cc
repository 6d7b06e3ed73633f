// fork_child.cc - locks free, counts of who waits at nought, the reclaimer's state as before there was one.
#include "reclaim/fork_child.h"

#include "reclaim/engine.h"

namespace weir {
namespace {

void set_locks_free(Engine& engine) {
  engine.shared.lock.reset();
  engine.direct_lock.reset();
  engine.evidence_lock.reset();
}

void forget_reclaimer(Engine& engine) {
  engine.pagemap.forget();
  engine.statm.forget();
  engine.evidence.forget();
  engine.interlude = nullptr;
  engine.proactive = Proactive{};
  engine.reclaimer_runs.store(false, std::memory_order_relaxed);
  engine.reclaimer_ready.store(false, std::memory_order_relaxed);
  engine.reclaimer_sleeps.store(false, std::memory_order_relaxed);
  engine.in_allocator_ns.store(0, std::memory_order_relaxed);
  engine.deferred_since_ns.store(0, std::memory_order_relaxed);
  engine.grows_unseen.store(false, std::memory_order_relaxed);
}

void forget_other_threads(Engine& engine) {
  engine.many_threads.store(false, std::memory_order_relaxed);
  engine.waiters.store(0, std::memory_order_relaxed);
  engine.unserved.store(false, std::memory_order_relaxed);
  engine.asked_here.store(0, std::memory_order_relaxed);
  engine.purge_wanted.store(false, std::memory_order_relaxed);
  engine.oom_pauses.end_all();
}

// Its parent sees to the end of the grace that it gave.
void forget_grace(Engine& engine) {
  engine.grace_check_ns.store(0, std::memory_order_relaxed);
  engine.grace_tries = 0;
}

}  // namespace

bool forget_parents_work(Engine& engine) {
  set_locks_free(engine);
  forget_reclaimer(engine);
  forget_other_threads(engine);
  forget_grace(engine);
  return engine.free_keeper.forget();
}

}  // namespace weir
