// replay_machine.cc - program and reclaimer take turns by the clock.
#include "tools/replay_machine.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/usage.h"
#include "reclaim/charge.h"
#include "reclaim/fault_meter.h"

namespace weir {

ReplayMachine::ReplayMachine(const ReplayRecording& recording, const ReplayPlan& plan)
    : recording_(recording),
      plan_(plan),
      registry_(std::make_unique<Registry>()),
      engine_(std::make_unique<Engine>(os_)),
      faults_to_sample_(FaultMeter::kCoarsePeriod) {
  prepare_container();
  Engine& engine = *engine_;
  const AttachResult self = engine.view.attach(os_, ReplayOs::kSelf, container_);
  engine.account.bind(engine.view, self.id, ReplayOs::kSelf);
  os_.set_others(0);
  others_id_ = engine.view.attach(os_, ReplayOs::kOthers, container_).id;
  engine.own = recording.own;
  engine.record().meter.store(static_cast<std::uint32_t>(Meter::kPerf));
  engine.reclaimer_runs.store(true);
  engine.reclaimer_ready.store(true);
  engine.reclaimer_sleeps.store(true);
  static_cast<void>(engine.pagemap.open(os_));
  static_cast<void>(engine.statm.open(os_));
  if (plan.evidence) {
    static_cast<void>(engine.evidence.open(os_));
  }
}

void ReplayMachine::prepare_container() {
  engine_->view.adopt(*registry_);
  ContainerRecord& record = engine_->view.container(container_);
  std::strcpy(record.name, "replay");
  record.limit.store(plan_.marks.limit.count);
  record.high_watermark.store(plan_.marks.high.count);
  record.low_watermark.store(plan_.marks.low.count);
  record.swap_limit.store(UINT64_MAX);
  record.adaptive.store(plan_.adaptive ? 1 : 0);
  record.background.store(plan_.background ? 1 : 0);
  record.load_control.store(0);  // there is nobody to take turns with
  record.named.store(1);
  record.state.store(ContainerRecord::kLive);
}

ReplayOutcome ReplayMachine::run() {
  for (;;) {
    const bool ended = next_step_ >= recording_.steps.size();
    const std::uint64_t step_ns = ReplayOs::kStartNs + (ended ? recording_.length_ns : recording_.steps[next_step_].ns);
    if (look_at_ns_ <= std::max(step_ns, os_.now_ns()) && !(ended && look_at_ns_ > step_ns)) {
      os_.move_clock_to(look_at_ns_);
      run_reclaimer();
    } else if (ended) {
      os_.move_clock_to(step_ns);
      break;
    } else {
      os_.move_clock_to(step_ns);
      program_until(os_.now_ns());
    }
  }
  const ContainerRecord& record = engine_->view.container(container_);
  return {memory_.evicted(),
          memory_.major_faults(),
          memory_.peak(),
          over_high_ns_,
          record.counters.background_runs.load(),
          record.counters.failcnt.load(),
          record.counters.events_oom_kill.load(),
          marks_of(record)};
}

void ReplayMachine::program_until(std::uint64_t ns) {
  in_program_ = true;
  // A reclaimer that was woken begins; what the program does meanwhile comes while it works.
  while (next_step_ < recording_.steps.size() && ReplayOs::kStartNs + recording_.steps[next_step_].ns <= ns &&
         (in_look_ || look_at_ns_ > os_.now_ns())) {
    apply(recording_.steps[next_step_++]);
  }
  in_program_ = false;
}

void ReplayMachine::apply(const ReplayStep& step) {
  switch (step.kind) {
    case ReplayStep::Kind::kChange:
      change(step);
      break;
    case ReplayStep::Kind::kUse:
      use(step);
      break;
    case ReplayStep::Kind::kMarks:
      follow(recording_.marks[step.length]);
      break;
  }
}

void ReplayMachine::change(const ReplayStep& step) {
  for (std::uint32_t i = 0; i < step.length; ++i) {
    const std::uint64_t granule = step.first.number + i;
    std::uint16_t used = 0;
    static_cast<void>(memory_.change(granule, step.present, step.out, used));  // checked when it was read
    for (; used != 0; used = static_cast<std::uint16_t>(used & (used - 1))) {
      touch(memory_.places()[granule], static_cast<std::uint16_t>(used & -used));
    }
  }
}

// Which of its pages were used is not recorded: so many, evenly spread.
void ReplayMachine::use(const ReplayStep& step) {
  const std::uint64_t all = std::max<std::uint64_t>(step.resident, 1);
  const std::uint64_t wanted = std::min<std::uint64_t>(step.referenced, all);
  std::uint64_t seen = 0;
  auto& places = memory_.places();
  const std::uint64_t end = step.first.number + step.length;
  for (auto at = places.lower_bound(step.first.number); at != places.end() && at->first < end; ++at) {
    for (std::uint32_t mask = at->second.was_present; mask != 0; mask &= mask - 1, ++seen) {
      if ((seen + 1) * wanted / all != seen * wanted / all) {
        touch(at->second, static_cast<std::uint16_t>(mask & -mask));
      }
    }
  }
}

void ReplayMachine::follow(const RecordedMarks& marks) {
  set_others(marks.others);
  ContainerRecord& record = engine_->view.container(container_);
  const bool moved_by_itself = plan_.adaptive && marks_of(record).limit == marks.marks.limit;
  if (plan_.follows_marks && !moved_by_itself) {
    static_cast<void>(set_marks(record, marks.marks));
  }
}

void ReplayMachine::set_others(Pages pages) {
  if (engine_->view.book(others_id_).load().pid == ReplayOs::kOthers) {
    others_ = pages;
    os_.set_others(static_cast<std::int64_t>(pages.count));
    engine_->view.book(others_id_).set_charge(ReplayOs::kOthers, pages);
  }
}

// A fault; and after so many of them a sample, as the fault meter's signal takes it.
void ReplayMachine::touch(ReplayPlace& place, std::uint16_t page) {
  const bool is_refault = (place.out & page) != 0;
  if (dead_ || !memory_.touch(place, page)) {
    return;
  }
  if (is_refault) {
    os_.move_clock_to(os_.now_ns() + ReplayOs::kRefaultNs);
  }
  if (--faults_to_sample_ > 0) {
    return;
  }
  const std::uint64_t period = fine_ ? FaultMeter::kFinePeriod : FaultMeter::kCoarsePeriod;
  faults_to_sample_ = period;
  engine_->sampled.fetch_add(static_cast<std::uint32_t>(period), std::memory_order_relaxed);
  static_cast<void>(charge(*engine_, {Pages{period}, false}));
}

void ReplayMachine::run_reclaimer() {
  in_look_ = true;
  look_at_ns_ = kNever;
  engine_->reclaimer_sleeps.store(false);
  const LookResult result = look(*engine_, watch_, !plan_.background);
  engine_->reclaimer_sleeps.store(true);
  fine_ = FaultMeter::is_near(result.standing);
  faults_to_sample_ =
      std::min<std::uint64_t>(faults_to_sample_, fine_ ? FaultMeter::kFinePeriod : FaultMeter::kCoarsePeriod);
  os_.move_clock_to(os_.now_ns() + ReplayOs::kCallNs);
  if (const std::int64_t pause = pause_after(result); pause >= 0) {
    look_at_ns_ = std::min(look_at_ns_, os_.now_ns() + static_cast<std::uint64_t>(pause));
  }
  in_look_ = false;
}

bool ReplayMachine::over_high() const {
  const Pages high{engine_->view.container(container_).high_watermark.load()};
  return memory_.present() + others_ > high;
}

void ReplayMachine::worked_until(std::uint64_t now_ns) {
  if (!in_program_) {
    program_until(now_ns);
  }
}

void ReplayMachine::program_waits() {
  if (!in_look_) {
    run_reclaimer();
  }
}

void ReplayMachine::reclaimer_woken(const FutexWord& word) {
  if (&word == &engine_->record().wake) {
    look_at_ns_ = std::min(look_at_ns_, os_.now_ns());
  }
}

void ReplayMachine::time_passes(std::uint64_t from_ns, std::uint64_t to_ns) {
  if (over_high()) {
    over_high_ns_ += to_ns - from_ns;
  }
}

void ReplayMachine::killed(int pid) {
  if (pid == ReplayOs::kSelf) {
    dead_ = true;
    memory_.clear();
    next_step_ = recording_.steps.size();
  } else {
    others_ = {};
  }
}

}  // namespace weir
