// signals.cc - what our handlers do.
#include "preload/signals.h"

#include <ucontext.h>

#include <cstring>

#include "core/cut_call.h"
#include "core/lost_registry.h"
#include "core/wake.h"
#include "preload/dump.h"
#include "preload/growth.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/reclaimer_thread.h"
#include "preload/samples.h"
#include "preload/scope.h"
#include "preload/signal_mask.h"
#include "reclaim/fault_meter.h"
#include "reclaim/growth_watch.h"
#include "reclaim/left_behind.h"
#include "reclaim/shrink.h"

#ifndef TRAP_PERF
#define TRAP_PERF 6
#endif

namespace weir {
namespace {

constinit BorrowedSignal trap{SIGTRAP};
constinit BorrowedSignal bus{SIGBUS};
constinit int dump_signal = 0;

// si_perf_data, which Debian 12's siginfo_t has no name for: after si_addr (kernel's
// include/uapi/asm-generic/siginfo.h, _perf).
std::uint64_t perf_data(const siginfo_t* info) {
  std::uint64_t data = 0;
  std::memcpy(&data, reinterpret_cast<const char*>(info) + 24, sizeof(data));
  return data;
}

// How many faults it stands for; 0: it is none.
std::uint32_t sampled_faults(const siginfo_t* info) {
  return info->si_code == TRAP_PERF ? FaultMeter::period_of(perf_data(info)) : 0;
}
bool is_ours(const siginfo_t* info) {
  return info->si_code == SI_TIMER && info->si_value.sival_ptr == GrowthWatch::cookie();
}

constexpr std::int64_t kRefreshWaitNs = 100'000'000;
constexpr std::int64_t kDumpWaitNs = 500'000'000;

// For a signal that only we send: `act`, and the program does not notice. Its own come after it.
template <typename Act>
void unnoticed(void* context, int signal, Act act) {
  CutCall call(*static_cast<ucontext_t*>(context));
  {
    const HandlerScope scope(context);
    act();
  }
  restore_mask(context, signal, SIGBUS);
  call.finish();
}

void on_trap(int signal, siginfo_t* info, void* context) {
  const std::uint32_t faults = sampled_faults(info);
  if (process().stage.load(std::memory_order_acquire) == Stage::kPassive && (faults > 0 || is_ours(info))) {
    return;  // on its way when the filter came
  }
  if (faults > 0) {
    const HandlerScope scope(context);
    on_fault_sample(reinterpret_cast<std::uintptr_t>(info->si_addr), faults);
  } else if (is_ours(info)) {
    // To the reclaimer it is the CPU-time timer: the raised word ends its futex wait, which
    // SA_RESTART would else take up again. Without a reclaimer the timer comes to the program.
    if (inside_weir()) {
      on_reclaimer_timer();
    } else {
      unnoticed(context, signal, [] { on_poke(); });
    }
  } else if (info->si_code > 0 || !hold_back_trap()) {
    trap.pass_on(info, context);
  }
}

// `weir reclaim` sends the dump signal to members that run no reclaimer. They are far from every
// mark and never needed one; a descriptor is borrowed for that moment, whatever threads there are.
// What only a process itself can do, where it runs no reclaimer.
void serve_here(Process& p, std::uint32_t asked) {
  constexpr std::int64_t kLockWaitNs = 50'000'000;
  const ReclaimGuard guard(p.engine.os, p.engine.direct_lock, kLockWaitNs);
  Pagemap pagemap(p.engine.direct_buffer);
  if (!guard.held() || pagemap.open(p.engine.os) != 0) {
    return;
  }
  if (asked == kRequestLeave) {
    serve_leave_request(p.engine, pagemap);
    p.thread_wanted.store(true, std::memory_order_relaxed);  // only the reclaimer counts what groups hold
  } else {
    serve_reclaim_request(p.engine, pagemap, false);
    arm_if_near();
  }
  pagemap.close(p.engine.os);
}

// `asked`: by another process of ours, for what its request says. That may have been withdrawn since.
void dump_here(bool asked) {
  Process& p = process();
  if (p.stage.load(std::memory_order_acquire) != Stage::kAttached || !is_own_process()) {
    return;
  }
  const WeirScope scope;
  if (!p.engine.reclaimer_runs.load(std::memory_order_acquire)) {
    const std::uint32_t request = p.engine.record().request.load(std::memory_order_acquire);
    if (request == kRequestReclaim || request == kRequestLeave) {
      serve_here(p, request);
    } else if (!asked) {
      write_dump(Look::kProc);
    }
    return;
  }
  if (asked) {
    wake_reclaimer(p.engine);  // it came meanwhile
    return;
  }
  // The reclaimer reads and, but for stderr, which its descriptor table does not have, writes.
  if (dump_goes_to_stderr()) {
    ask_reclaimer(p.engine, kRequestRefresh, kRefreshWaitNs);
    write_dump(Look::kBooks);
  } else {
    ask_reclaimer(p.engine, kRequestDump, kDumpWaitNs);  // the program may end next
  }
}

void on_bus(int, siginfo_t* info, void* context) {
  Process& p = process();
  if (info->si_code > 0 && p.engine.view.is_open() &&
      replace_lost(p.engine.view.raw(), reinterpret_cast<std::uintptr_t>(info->si_addr))) {
    lose_registry();
  } else {
    bus.pass_on(info, context);
  }
}

// The mask of a handler until it has taken care of a call that was cut short.
sigset_t all_but_bus() {
  sigset_t set;
  sigfillset(&set);
  sigdelset(&set, SIGBUS);
  return set;
}

void on_dump(int signal, siginfo_t* info, void* context) {
  const bool asked = info->si_code == SI_TIMER && info->si_value.sival_ptr == asked_cookie();
  unnoticed(context, signal, [asked] { dump_here(asked); });
}

}  // namespace

bool install_meter_signal() {
  if (!trap.take(on_trap, all_but_bus())) {
    return false;
  }
  open_trap_here();
  return true;
}

bool guard_registry() {
  return bus.take(on_bus, all_but_bus());  // what else comes meanwhile would touch it
}

void install_dump_signal(int signal) {
  struct sigaction old = {};
  if (real_sigaction(signal, nullptr, &old) != 0 || old.sa_handler != SIG_DFL) {
    return;
  }
  struct sigaction action = {};
  action.sa_sigaction = on_dump;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  action.sa_mask = all_but_bus();
  if (real_sigaction(signal, &action, nullptr) == 0) {
    dump_signal = signal;
    process().engine.record().dump_signal.store(static_cast<std::uint32_t>(signal), std::memory_order_release);
  }
}

void note_program_handler(int signal, const struct sigaction* action) {
  Process& p = process();
  if (action == nullptr || signal != dump_signal || p.stage.load(std::memory_order_acquire) != Stage::kAttached ||
      !is_own_process()) {
    return;
  }
  const bool is_ours_again = (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_dump;
  p.engine.record().dump_signal.store(is_ours_again ? static_cast<std::uint32_t>(signal) : 0,
                                      std::memory_order_release);
}

int installed_dump_signal() {
  return dump_signal;
}

BorrowedSignal* borrowed(int signal) {
  for (BorrowedSignal* one : {&trap, &bus}) {
    if (signal == one->number() && one->is_taken()) {
      return one;
    }
  }
  return nullptr;
}

}  // namespace weir
