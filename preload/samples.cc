// samples.cc - what a sample and a poke lead to: the growth since the last one is charged.
#include "preload/samples.h"

#include "preload/callbacks.h"
#include "preload/growth.h"
#include "preload/meter_choice.h"
#include "preload/process.h"
#include "preload/reclaimer_thread.h"
#include "preload/thread_groups.h"
#include "preload/timed_look.h"
#include "reclaim/charge.h"
#include "reclaim/fault_meter.h"

namespace weir {
namespace {

// Who pays for memory is its owner, whoever touches it first: buffers are handed on.
GroupNumber payer_of(Process& p, std::uintptr_t address, std::uint32_t pages) {
  ThreadGroups& groups = p.engine.groups;
  if (!groups.any() || address == 0) {
    return current_group();
  }
  const GroupNumber owner = groups.owner_at(address);
  if (owner != current_group() && groups.has(owner)) {
    groups.note_faults(owner, pages);
  }
  return owner;
}

// What may be touched until the next sample is charged ahead, as the kernel's stock is.
void charge_ahead(Process& p, std::uintptr_t address, std::uint32_t faults) {
  note_own_faults();
  charge(p.engine, {Pages{faults}, false, payer_of(p, address, faults), !is_warning_thread()});
  if (!p.engine.reclaimer_runs.load(std::memory_order_relaxed)) {
    const Standing standing = p.engine.account.standing(Pages::none());
    after_look(standing);
    plan_timed_look(standing);
  }
}

bool is_ours_to_charge(const Process& p) {
  return !inside_weir() && p.stage.load(std::memory_order_acquire) == Stage::kAttached && is_own_process();
}

}  // namespace

void on_fault_sample(std::uintptr_t address, std::uint32_t faults) {
  Process& p = process();
  // Near a mark the coarse samples tell of faults that the fine ones have told of.
  if (!is_ours_to_charge(p) || (faults == FaultMeter::kCoarsePeriod && meter_is_fine())) {
    return;
  }
  const WeirScope scope;
  p.engine.placement.note_core(p.engine.os);
  p.engine.sampled.fetch_add(faults, std::memory_order_relaxed);
  p.engine.shared.ranking.gone().touched(address);
  if (p.engine.reclaimer_ready.load(std::memory_order_relaxed) &&
      p.engine.readahead.note(p.engine.os, p.engine.os.tid(), address, faults)) {
    wake_reclaimer(p.engine);
  }
  charge_ahead(p, address, faults);
}

void on_poke() {
  Process& p = process();
  if (!is_ours_to_charge(p)) {
    return;
  }
  const WeirScope scope;
  p.engine.placement.note_core(p.engine.os);
  p.engine.shared.ranking.fronts().ask(p.engine.os);
  charge_ahead(p, 0, meter_is_fine() ? FaultMeter::kFinePeriod : FaultMeter::kCoarsePeriod);
}

}  // namespace weir
