// callbacks.cc - two threads that sleep until there is something to tell.
#include "preload/callbacks.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <climits>

#include "core/pressure_trigger.h"
#include "core/usage.h"
#include "preload/own_thread.h"
#include "preload/process.h"
#include "reclaim/kill_warning.h"

namespace weir {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kForEver = -1;

struct PressureWish {
  PressureCallback callback = nullptr;
  void* context = nullptr;
  PressureTrigger trigger;
};
struct WarningWish {
  WarningCallback callback = nullptr;
  void* context = nullptr;
};

// What is wished, and which threads there are, under the lock.
constinit pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
constinit PressureWish pressure_wish;
constinit WarningWish warning_wish;
constinit bool pressure_runs = false;
constinit bool warning_runs = false;

constinit FutexWord pressure_changed{0};
constinit std::atomic<std::uint32_t> first_warning{0};  // how the word stood when the thread was begun
constinit std::atomic<bool> stopping{false};
constinit std::atomic<std::uint32_t> threads{0};
[[gnu::tls_model("initial-exec")]] constinit thread_local bool warns_here = false;

class Locked {
 public:
  Locked() {
    pthread_mutex_lock(&lock);
  }
  ~Locked() {
    pthread_mutex_unlock(&lock);
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
};

template <typename Wish>
Wish copy_of(const Wish& wish) {
  const Locked locked;
  return wish;
}

// --- the thread for pressure ---

// Often while there is pressure, seldom else, not at all while nobody wants to know.
std::int64_t turn_of(const PressureWish& wish, bool calm) {
  if (wish.callback == nullptr) {
    return kForEver;
  }
  const auto window = static_cast<std::int64_t>(wish.trigger.window_ns);
  return calm ? std::min(window / 2, 1000 * kMillisecond) : std::min(window / 8, 200 * kMillisecond);
}

// The stalls of the process' container and of those above it. A stall may be booked in several of
// them, so the one that stood still longest counts, not their sum.
class PressureWatch {
 public:
  // Stall time of the window that is just over, as it has grown.
  std::uint64_t look(const Engine& engine, std::uint64_t window_ns) {
    ContainerId at = engine.account.container();
    if (at != container_) {
      histories_ = {};  // moved: other stalls
      container_ = at;
    }
    std::uint64_t most = 0;
    for (StallHistory& history : histories_) {
      history.note(engine.os.now_ns(), engine.view.container(at).some.total_ns.load(std::memory_order_relaxed));
      most = std::max(most, history.grown(window_ns));
      if (!parent_of(engine.view, at, at)) {
        break;
      }
    }
    return most;
  }

 private:
  std::array<StallHistory, kMaxContainerDepth + 1> histories_;
  ContainerId container_{UINT32_MAX};
};

void* watch_pressure(void*) {
  prctl(PR_SET_NAME, "weir-pressure");
  Engine& engine = process().engine;
  PressureWatch watch;
  bool calm = true;
  std::uint64_t told_ns = 0;
  while (!stopping.load(std::memory_order_acquire)) {
    const std::uint32_t seen = pressure_changed.load(std::memory_order_acquire);
    const PressureWish wish = copy_of(pressure_wish);
    const std::uint64_t grown = watch.look(engine, wish.trigger.window_ns);
    const std::uint64_t now = engine.os.now_ns();
    calm = grown == 0;
    if (wish.callback != nullptr && grown >= wish.trigger.threshold_ns && now - told_ns >= wish.trigger.window_ns) {
      told_ns = now;
      wish.callback(wish.context, grown / 1000);
    }
    static_cast<void>(engine.os.futex_wait(pressure_changed, seen, turn_of(wish, calm)));
  }
  threads.fetch_sub(1, std::memory_order_acq_rel);
  end_own_thread();
  return nullptr;
}

// --- the thread for warnings ---

void* await_warnings(void*) {
  prctl(PR_SET_NAME, "weir-warning");
  warns_here = true;
  Engine& engine = process().engine;
  MemberRecord& record = engine.record();
  std::uint32_t seen = first_warning.load(std::memory_order_acquire);
  for (;;) {
    while (record.warning.load(std::memory_order_acquire) == seen && !stopping.load(std::memory_order_acquire)) {
      static_cast<void>(engine.os.futex_wait(record.warning, seen, kForEver));
    }
    if (stopping.load(std::memory_order_acquire)) {
      break;
    }
    seen = record.warning.load(std::memory_order_acquire);
    const WarningWish wish = copy_of(warning_wish);
    if (wish.callback != nullptr) {
      wish.callback(wish.context, record.warn_grace_ms.load(std::memory_order_relaxed));
    }
  }
  threads.fetch_sub(1, std::memory_order_acq_rel);
  end_own_thread();
  return nullptr;
}

// --- both ---

bool begin_thread(Process& p, void* (*run)(void*)) {
  p.engine.many_threads.store(true, std::memory_order_relaxed);
  threads.fetch_add(1, std::memory_order_acq_rel);
  OwnThread wanted;
  wanted.run = run;
  wanted.open_signal = SIGTRAP;  // the fault meter's: what a callback allocates is seen, too
  pthread_t thread{};
  const int error = start_own_thread(wanted, thread);
  threads.fetch_sub(error != 0 ? 1 : 0, std::memory_order_acq_rel);
  return error == 0;
}

bool can_call_back(Process& p) {
  return p.stage.load(std::memory_order_acquire) == Stage::kAttached && is_own_process() && !p.options.threadless;
}

void ring(Process& p) {
  pressure_changed.fetch_add(1, std::memory_order_release);
  static_cast<void>(p.engine.os.futex_wake(pressure_changed, INT_MAX));
}

}  // namespace

int set_pressure_callback(Process& p, std::uint64_t stall_us, std::uint64_t window_us, PressureCallback callback,
                          void* context) {
  PressureTrigger trigger;
  if (callback != nullptr && !make_trigger(stall_us, window_us, trigger)) {
    return EINVAL;
  }
  if (!can_call_back(p)) {
    return ENOTSUP;
  }
  {
    const Locked locked;
    if (callback != nullptr && !pressure_runs && !(pressure_runs = begin_thread(p, watch_pressure))) {
      return EAGAIN;
    }
    pressure_wish = {callback, context, trigger};
  }
  ring(p);
  return 0;
}

int set_warning_callback(Process& p, std::uint32_t grace_ms, WarningCallback callback, void* context) {
  if (callback != nullptr && (grace_ms == 0 || grace_ms > kMostGraceMs)) {
    return EINVAL;
  }
  if (!can_call_back(p)) {
    return ENOTSUP;
  }
  MemberRecord& record = p.engine.record();
  const Locked locked;
  if (callback != nullptr && !warning_runs) {
    first_warning.store(record.warning.load(std::memory_order_acquire), std::memory_order_release);
    if (!(warning_runs = begin_thread(p, await_warnings))) {
      return EAGAIN;
    }
  }
  warning_wish = {callback, context};
  record.warn_grace_ms.store(callback != nullptr ? grace_ms : 0, std::memory_order_release);
  return 0;
}

void forget_callbacks() {
  lock = PTHREAD_MUTEX_INITIALIZER;  // whoever had it is not here
  pressure_wish = {};
  warning_wish = {};
  pressure_runs = false;
  warning_runs = false;
  threads.store(0, std::memory_order_relaxed);
}

void stop_callbacks(Process& p) {
  if (callback_threads() == 0) {
    return;
  }
  constexpr int kPatienceMs = 50;
  MemberRecord& record = p.engine.record();
  stopping.store(true, std::memory_order_release);
  record.warn_grace_ms.store(0, std::memory_order_release);
  record.warning.fetch_add(1, std::memory_order_release);
  static_cast<void>(p.engine.os.futex_wake(record.warning, INT_MAX));
  ring(p);
  for (int waited = 0; callback_threads() > 0 && waited < kPatienceMs; ++waited) {
    FutexWord never{0};
    static_cast<void>(p.engine.os.futex_wait(never, 0, kMillisecond));
  }
}

bool is_warning_thread() {
  return warns_here;
}

std::uint32_t callback_threads() {
  return threads.load(std::memory_order_acquire);
}

}  // namespace weir
