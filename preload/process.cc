// process.cc - attaching, leaving, standing still, and starting anew in a fork child.
#include "preload/process.h"

#include <sys/mman.h>
#include <unistd.h>

#include "core/events.h"
#include "preload/attach.h"
#include "preload/callbacks.h"
#include "preload/dump.h"
#include "preload/growth.h"
#include "preload/log.h"
#include "preload/meter_choice.h"
#include "preload/oom_report.h"
#include "preload/own_thread.h"
#include "preload/process_rules.h"
#include "preload/reclaimer_thread.h"
#include "preload/recording.h"
#include "preload/thread_groups.h"
#include "preload/timed_look.h"
#include "preload/valgrind.h"
#include "reclaim/fork_child.h"

namespace weir {
namespace {

constinit Process the_process;

// Zero in a fork child that no handler told of it (raw fork); kept by a vfork child.
struct alignas(kPageBytes) ForkPage {
  std::atomic<std::uint32_t> same_process{0};
};
constinit ForkPage fork_page;

void mark_process() {
  // A separate page in our own image: no mapping to make, one call to mark it.
  static_cast<void>(raw_os().advise(reinterpret_cast<std::uintptr_t>(&fork_page), sizeof(fork_page), MADV_WIPEONFORK));
  fork_page.same_process.store(1, std::memory_order_relaxed);
}

// Our parent is in another PID namespace then, and so is the registry: the pids in it are not ours. Children of such a
// process are not attached because it is not.
bool is_first_of_pid_namespace() {
  return getppid() == 0;
}

void stand_aside(Process& p, std::string_view why) {
  p.engine.reclaimer_barred.store(true, std::memory_order_relaxed);
  p.growth_budget.store(INT64_MAX, std::memory_order_relaxed);
  post_event(p.engine.os, p.engine.view,
             {EventKind::kMute,
              p.engine.account.container(),
              p.pid.load(std::memory_order_relaxed),
              {p.engine.account.last_reading().bytes(), 0},
              why});
  p.stage.store(Stage::kPassive, std::memory_order_release);
}

}  // namespace

Process& process() {
  return the_process;
}

bool is_own_process() {
  Process& p = process();
  if (static_cast<std::uint32_t>(raw_os().pid()) == p.pid.load(std::memory_order_relaxed)) {
    return true;
  }
  if (fork_page.same_process.load(std::memory_order_relaxed) != 0) {
    return false;
  }
  restart_in_child();
  return p.stage.load(std::memory_order_relaxed) == Stage::kAttached;
}

void start_process() {
  const WeirScope scope;
  Process& p = process();
  p.pid.store(static_cast<std::uint32_t>(raw_os().pid()), std::memory_order_relaxed);
  if (!attach_process(p)) {
    return;
  }
  mark_process();
  if (runs_under_valgrind()) {
    stand_aside(p, "runs under valgrind: no limit holds, others still count it");
    return;
  }
  static_cast<void>(own_threads_are_uncounted());
  p.growth_budget.store(0, std::memory_order_relaxed);
  p.stage.store(Stage::kAttached, std::memory_order_release);
  start_thread_groups(p);
  arm_for_static_memory();
}

void end_process() {
  Process& p = process();
  if (p.stage.load(std::memory_order_acquire) == Stage::kAttached && is_own_process()) {
    p.stage.store(Stage::kIdle, std::memory_order_release);
    finish_recording(p);
    p.engine.record().warn_grace_ms.store(0, std::memory_order_release);
    p.engine.groups.forget_all();  // the reclaimer runs on, and the places may soon be another process'
    p.engine.view.release_groups(p.engine.account.member(), p.pid.load(std::memory_order_relaxed));
    p.engine.view.book(p.engine.account.member()).release(p.pid.load(std::memory_order_relaxed));
  }
}

void go_passive() {
  Process& p = process();
  if (p.stage.load(std::memory_order_acquire) != Stage::kAttached || !is_own_process()) {
    return;
  }
  p.engine.reclaimer_barred.store(true, std::memory_order_relaxed);
  stop_callbacks(p);
  p.growth_budget.store(INT64_MAX, std::memory_order_relaxed);
  stop_reclaimer_thread();
  stop_timed_look();
  stand_aside(p, "filters its system calls: its limit holds no longer, others still count it");
}

void lose_registry() {
  Process& p = process();
  if (p.stage.exchange(Stage::kIdle, std::memory_order_acq_rel) == Stage::kIdle) {
    return;
  }
  p.growth_budget.store(INT64_MAX, std::memory_order_relaxed);
  p.engine.reclaimer_barred.store(true, std::memory_order_relaxed);
  abandon_reclaimer_thread();
  log_line(LogLevel::kWarn, "the registry was cut short while in use: going on without weir");
}

void restart_in_child() {
  const WeirScope scope;
  Process& p = process();
  if (p.stage.load(std::memory_order_acquire) != Stage::kAttached) {
    return;
  }
  const ContainerId container = p.engine.account.container();
  forget_thread_groups(p);
  forget_callbacks();
  forget_dump();
  forget_title();
  p.pid.store(static_cast<std::uint32_t>(raw_os().pid()), std::memory_order_relaxed);
  if (forget_parents_work(p.engine)) {
    p.let_large_go.store(true, std::memory_order_relaxed);
  }
  forget_recording(p);
  forget_reclaimer_change();
  forget_meter();
  forget_oom_report();
  p.thread_wanted.store(false, std::memory_order_relaxed);
  fork_page.same_process.store(1, std::memory_order_relaxed);
  p.growth_budget.store(0, std::memory_order_relaxed);
  p.engine.record().swap_is_shared.store(1, std::memory_order_relaxed);  // our parent's record still
  if (!is_first_of_pid_namespace() && attach_member(p, container)) {
    p.engine.record().swap_is_shared.store(1, std::memory_order_relaxed);
    p.engine.account.begin_as_fork_child(p.engine.os);
    allow_thread_groups();
    watch_inherited_memory();
  } else {
    p.stage.store(Stage::kIdle, std::memory_order_release);
  }
}

}  // namespace weir
