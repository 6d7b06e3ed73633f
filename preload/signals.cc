// signals.cc - handlers, and the chain to the program's own.
#include "preload/signals.h"

#include <errno.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstring>

#include "core/cut_call.h"
#include "core/raw_syscall.h"
#include "preload/dump.h"
#include "preload/growth.h"
#include "preload/process.h"
#include "preload/real.h"
#include "reclaim/fault_meter.h"
#include "reclaim/growth_watch.h"
#include "reclaim/shrink.h"

#ifndef TRAP_PERF
#define TRAP_PERF 6
#endif

namespace weir {
namespace {

// What the program has set for SIGTRAP. Two copies and a number that says which is in force,
// so that a handler never sees half of one.
constinit struct sigaction program_action[2] = {};
constinit std::atomic<unsigned> action_number{0};
constinit std::atomic<bool> installed{false};
constinit int dump_signal = 0;

const struct sigaction& current_action() {
  return program_action[action_number.load(std::memory_order_acquire) & 1];
}

void set_program_action(const struct sigaction& action) {
  const unsigned next = action_number.load(std::memory_order_relaxed) + 1;
  program_action[next & 1] = action;
  action_number.store(next, std::memory_order_release);
}

// si_perf_data, which Debian 12's siginfo_t has no name for: after si_addr (kernel's
// include/uapi/asm-generic/siginfo.h, _perf).
std::uint64_t perf_data(const siginfo_t* info) {
  std::uint64_t data = 0;
  std::memcpy(&data, reinterpret_cast<const char*>(info) + 24, sizeof(data));
  return data;
}

bool is_sample(const siginfo_t* info) {
  return info->si_code == TRAP_PERF && perf_data(info) == FaultMeter::kCookie;
}
bool is_ours(const siginfo_t* info) {
  return info->si_code == SI_TIMER && info->si_value.sival_ptr == GrowthWatch::cookie();
}

constexpr std::int64_t kRefreshWaitNs = 100'000'000;

void die_of(int signal) {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  real_sigaction(signal, &action, nullptr);
  static_cast<void>(raw_os().tgkill(raw_os().pid(), raw_os().tid(), signal));
}

void pass_on(int signal, siginfo_t* info, void* context) {
  const struct sigaction action = current_action();
  if ((action.sa_flags & SA_SIGINFO) == 0) {
    if (action.sa_handler == SIG_IGN) {
      return;
    }
    if (action.sa_handler == SIG_DFL) {
      die_of(signal);
      return;
    }
  }
  if ((static_cast<unsigned>(action.sa_flags) & static_cast<unsigned>(SA_RESETHAND)) != 0) {
    struct sigaction reset = {};
    reset.sa_handler = SIG_DFL;
    set_program_action(reset);
  }
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &action.sa_mask, &before);
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    action.sa_sigaction(signal, info, context);
  } else {
    action.sa_handler(signal);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// The program's mask again, but for the signal that is being handled.
void open_signals(const ucontext_t& context, int handled) {
  constexpr long kMaskBytes = 8;
  std::uint64_t mask = 0;
  std::memcpy(&mask, &context.uc_sigmask, sizeof(mask));
  mask |= std::uint64_t{1} << static_cast<unsigned>(handled - 1);
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, sys_arg(&mask), 0, kMaskBytes);
}

// For a signal that only we send: `act`, and the program does not notice.
template <typename Act>
void unnoticed(void* context, int signal, Act act) {
  auto& interrupted = *static_cast<ucontext_t*>(context);
  CutCall call(interrupted);
  open_signals(interrupted, signal);
  act();
  call.finish();
}

void on_trap(int signal, siginfo_t* info, void* context) {
  if (is_sample(info)) {
    open_signals(*static_cast<ucontext_t*>(context), signal);
    on_fault_sample(reinterpret_cast<std::uintptr_t>(info->si_addr));
  } else if (is_ours(info)) {
    // To the reclaimer it is the CPU-time timer: the raised word ends its futex wait, which
    // SA_RESTART would else take up again. Without a reclaimer the timer comes to the program.
    if (inside_weir()) {
      process().engine.record().wake.fetch_add(1, std::memory_order_release);
    } else {
      unnoticed(context, signal, [] { on_fault_sample(0); });
    }
  } else {
    open_signals(*static_cast<ucontext_t*>(context), signal);
    pass_on(signal, info, context);
  }
}

// `weir reclaim` sends the dump signal to members that run no reclaimer. They are far from every
// mark and never needed one; a descriptor is borrowed for that moment, whatever threads there are.
void reclaim_here(Process& p) {
  constexpr std::int64_t kLockWaitNs = 50'000'000;
  const ReclaimGuard guard(p.engine.os, p.engine.direct_lock, kLockWaitNs);
  Pagemap pagemap(p.engine.direct_buffer);
  if (guard.held() && pagemap.open(p.engine.os) == 0) {
    serve_reclaim_request(p.engine, pagemap, false);
    pagemap.close(p.engine.os);
  }
}

void dump_here() {
  Process& p = process();
  if (p.stage.load(std::memory_order_acquire) != Stage::kAttached || !is_own_process()) {
    return;
  }
  const WeirScope scope;
  if (!p.engine.reclaimer_runs.load(std::memory_order_acquire)) {
    if (p.engine.record().request.load(std::memory_order_acquire) == kRequestReclaim) {
      reclaim_here(p);
    } else {
      write_dump(Look::kProc);
    }
    return;
  }
  // The reclaimer reads and, but for stderr, which its descriptor table does not have, writes.
  const bool to_stderr = dump_goes_to_stderr();
  Word& request = p.engine.record().request;
  const std::uint32_t asked = to_stderr ? kRequestRefresh : kRequestDump;
  request.store(asked, std::memory_order_release);
  p.engine.record().wake.fetch_add(1, std::memory_order_release);
  static_cast<void>(p.engine.os.futex_wake(p.engine.record().wake, 1));
  if (to_stderr) {
    static_cast<void>(p.engine.os.futex_wait(request, asked, kRefreshWaitNs));
    write_dump(Look::kBooks);
  }
}

void on_dump(int signal, siginfo_t*, void* context) {
  unnoticed(context, signal, dump_here);
}

}  // namespace

bool install_meter_signal() {
  if (installed.load(std::memory_order_acquire)) {
    return true;
  }
  struct sigaction action = {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigfillset(&action.sa_mask);  // until a call that was cut short is taken care of
  struct sigaction old = {};
  if (real_sigaction(SIGTRAP, nullptr, &old) != 0) {
    return false;
  }
  set_program_action(old);
  installed.store(true, std::memory_order_release);
  return real_sigaction(SIGTRAP, &action, nullptr) == 0;
}

void install_dump_signal(int signal) {
  struct sigaction old = {};
  if (real_sigaction(signal, nullptr, &old) != 0 || old.sa_handler != SIG_DFL) {
    return;
  }
  struct sigaction action = {};
  action.sa_sigaction = on_dump;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  if (real_sigaction(signal, &action, nullptr) == 0) {
    dump_signal = signal;
    process().engine.record().dump_signal.store(static_cast<std::uint32_t>(signal), std::memory_order_release);
  }
}

int installed_dump_signal() {
  return dump_signal;
}

bool owns_signal(int signal) {
  return signal == SIGTRAP && installed.load(std::memory_order_acquire);
}

int program_sigaction(int, const struct sigaction* action, struct sigaction* old) {
  const struct sigaction wanted = action != nullptr ? *action : (struct sigaction){};
  if (old != nullptr) {
    *old = current_action();
  }
  if (action != nullptr) {
    set_program_action(wanted);
  }
  return 0;
}

}  // namespace weir
