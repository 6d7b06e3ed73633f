// growth_watch.cc - CPU-time timer, polling near the marks, poking those who grow.
#include "reclaim/growth_watch.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "core/raw_syscall.h"
#include "core/tasks.h"
#include "reclaim/fault_meter.h"
#include "reclaim/group_reclaim.h"

namespace weir {
namespace {

constexpr std::int64_t kMicrosecond = 1'000;
constexpr std::int64_t kMillisecond = 1'000'000;
// The fastest a thread was seen to touch fresh memory: 3 GB/s, 3 bytes a nanosecond.
constexpr std::int64_t kBytesPerNs = 3;
constexpr std::int64_t kLeastPoll = 200 * kMicrosecond;
// Where the thread that grows sees to the marks at its own samples, only what the kernel touches for it goes unseen.
constexpr std::int64_t kLeastPollBeside = 4 * kMillisecond;
// So its faults are compared with what the samples stand for, which costs a fiftieth of a look; more often for a
// while after such growth.
constexpr std::int64_t kCompareBeside = 2 * kMillisecond;
constexpr std::int64_t kCompareInDoubt = 500 * kMicrosecond;
constexpr std::int64_t kMostPoll = 20 * kMillisecond;
constexpr std::int64_t kIdlePoll = 200 * kMillisecond;

char cookie_byte;

// 0: nobody.
std::uint32_t tracer_of(Os& os) {
  ProcessStatus memory;
  const int error = read_process_status(os, static_cast<std::uint32_t>(os.pid()), memory);
  return error == 0 ? static_cast<std::uint32_t>(memory.tracer_pid) : 0;
}

// strace and its like print a signal and pass it on; everybody else may stop the program for it.
bool is_debugged_by(Os& os, std::uint32_t tracer) {
  ProcessStat stat;
  const bool known = tracer != 0 && read_process_stat(os, tracer, stat) == 0;
  const std::string_view name(stat.comm, known ? strnlen(stat.comm, sizeof(stat.comm)) : 0);
  return tracer != 0 && name != "strace" && name != "ltrace";
}

bool is_beside_a_worker(const Engine& engine) {
  return evicts_in_place(engine) && engine.placement.thread_works(engine.os.now_ns());
}

}  // namespace

// A thread with fewer faults than this in kForgetNs does not grow: it takes back its own stack.
constexpr std::uint64_t kLeastFaults = 32;
constexpr std::uint64_t kForgetNs = 50'000'000;

// Pokes each thread that runs and has grown since the last time. One that sleeps in a system
// call does not grow, and would only see EINTR.
class Poker final : public ThreadVisitor {
 public:
  using Whom = GrowthWatch::Whom;
  Poker(Os& os, GrowthWatch& watch, Whom whom) : os_(os), watch_(watch), whom_(whom) {}
  bool visit(int tid) override {
    ProcessStat stat;
    if (tid == os_.tid() || read_thread_stat(os_, static_cast<std::uint32_t>(tid), stat) != 0) {
      return true;
    }
    auto& seen = watch_.seen_[static_cast<std::size_t>(tid) % GrowthWatch::kSeenThreads];
    const std::uint64_t faults = stat.minor_faults + stat.major_faults;
    const std::uint64_t now = os_.now_ns();
    const bool is_old = now - seen.since_ns > kForgetNs;
    const bool known = (seen.tid == tid || seen.tid == 0) && (!is_old || whom_ == Whom::kWhoMayHaveGrown);
    const bool grows = known && faults >= seen.faults + kLeastFaults;
    const bool faults_in = known && stat.major_faults >= seen.major_faults + kLeastFaults;
    const bool poked = grows && (whom_ != Whom::kWhoFaultsIn || faults_in) && stat.state == 'R';
    if (seen.tid != tid || poked || is_old) {
      seen = {tid, faults, stat.major_faults, now};
    }
    if (poked) {
      static_cast<void>(os_.queue_signal(tid, SIGTRAP, GrowthWatch::cookie()));
    }
    return true;
  }

 private:
  Os& os_;
  GrowthWatch& watch_;
  Whom whom_;
};

void* GrowthWatch::cookie() {
  return &cookie_byte;
}

void GrowthWatch::open(Engine& engine) {
  const int pid = engine.os.pid();
  if (timer_ >= 0 && opened_in_ == pid) {
    raw_syscall(SYS_timer_delete, timer_);  // that of the program's thread, which watched before there was a reclaimer
  }
  timer_ = -1;
  opened_in_ = pid;
  struct sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGTRAP;
  event._sigev_un._tid = engine.os.tid();
  event.sigev_value.sival_ptr = cookie();
  int id = -1;
  if (raw_syscall(SYS_timer_create, CLOCK_PROCESS_CPUTIME_ID, sys_arg(&event), sys_arg(&id)) == 0) {
    timer_ = id;
  }
  timer_ns_ = 0;
  check_.begin();
  std::fill(std::begin(seen_), std::end(seen_), SeenThread{});  // may be that of the process we were forked from
  debugged_due_ns_ = 0;
  engine_ = &engine;
  engine.interlude = this;
}

void GrowthWatch::close(Engine& engine) {
  engine.interlude = nullptr;
  if (timer_ >= 0) {
    raw_syscall(SYS_timer_delete, timer_);
    timer_ = -1;
  }
}

bool GrowthWatch::is_debugged(Os& os) {
  const std::uint64_t now = os.now_ns();
  if (now >= debugged_due_ns_) {
    debugged_ = is_debugged_by(os, tracer_of(os));
    debugged_due_ns_ = now + static_cast<std::uint64_t>(kMostPoll);
  }
  return debugged_;
}

void GrowthWatch::set_timer(std::int64_t cpu_ns) {
  if (timer_ < 0) {
    return;
  }
  if (cpu_ns != 0 && is_debugged(engine_->os)) {
    cpu_ns = 0;
  }
  if (cpu_ns == timer_ns_) {
    return;
  }
  struct itimerspec spec = {};
  spec.it_value.tv_sec = spec.it_interval.tv_sec = cpu_ns / 1'000'000'000;
  spec.it_value.tv_nsec = spec.it_interval.tv_nsec = cpu_ns % 1'000'000'000;
  raw_syscall(SYS_timer_settime, timer_, 0, sys_arg(&spec), 0);
  timer_ns_ = cpu_ns;
}

std::uint64_t GrowthWatch::program_cpu(Os& os) {
  return os.process_cpu_ns(os.pid()) - os.thread_cpu_ns();
}

bool GrowthWatch::program_ran() const {
  // The two clocks that make it up are read one after the other: it may seem to have gone back, or on by as little.
  constexpr std::int64_t kLeast = 20 * kMicrosecond;
  return static_cast<std::int64_t>(program_cpu(engine_->os) - program_cpu_ns_) >= kLeast;
}

void GrowthWatch::poke(Engine& engine, Whom whom) {
  if (is_debugged(engine.os)) {
    return;
  }
  Poker poker(engine.os, *this, whom);
  each_thread(engine.os, engine.account.pid(), poker);
}

bool GrowthWatch::is_due(Engine& engine) {
  const std::uint64_t now = engine.os.now_ns();
  if (now - last_poke_ns_ < static_cast<std::uint64_t>(kLeastPoll)) {
    return false;
  }
  if (has_perf_meter(engine) && now - compared_ns_ >= static_cast<std::uint64_t>(kLeastPoll)) {
    compared_ns_ = now;
    static_cast<void>(check_.compare(engine));
  }
  return !is_sampled(engine) || check_.has_news(engine);
}

void GrowthWatch::poke_if_needed(Engine& engine, const Standing& of_process, After after) {
  const Standing standing = nearest_standing(engine, of_process);
  const Pages gap = standing.marks.limit - standing.marks.high;
  // By what is there: room is made for what is about to be touched, and who touches it must not be poked for it.
  const Pages room = standing.marks.limit - (standing.usage - standing.expected);
  if (standing.marks.limit.unlimited() || room > gap || !is_due(engine)) {
    return;
  }
  check_.judge(engine, standing);
  if (is_sampled(engine)) {
    return;
  }
  last_poke_ns_ = engine.os.now_ns();
  follow_fronts(engine);
  const bool all = after == After::kBatch || room.count <= gap.count / 4;
  poke(engine, room == Pages::none() ? Whom::kWhoMayHaveGrown : all ? Whom::kWhoGrows : Whom::kWhoFaultsIn);
}

void GrowthWatch::interlude() {
  if (is_due(*engine_)) {
    engine_->account.refresh(engine_->os, &engine_->statm);
    poke_if_needed(*engine_, engine_->account.standing(headroom(*engine_)), After::kNothing);
  }
}

void GrowthWatch::sleep(Engine& engine, FutexWord& word, std::uint32_t seen, std::int64_t ns) {
  const std::int64_t slice = check_.in_doubt(engine.os) ? kCompareInDoubt : kCompareBeside;
  for (; ns > slice && is_beside_a_worker(engine); ns -= slice) {
    const bool timed_out = engine.os.futex_wait(word, seen, slice).error() == ETIMEDOUT;
    static_cast<void>(check_.compare(engine));
    if (!timed_out || check_.has_news(engine)) {
      return;
    }
    count(engine.record().wakeups);
  }
  static_cast<void>(engine.os.futex_wait(word, seen, ns));
}

std::int64_t GrowthWatch::plan(Engine& engine, const Standing& standing) {
  if (standing.marks.limit.unlimited() && standing.marks.high.unlimited()) {
    set_timer(0);
    return -1;
  }
  static_cast<void>(check_.compare(engine));
  check_.judge(engine, standing);
  const bool grows = check_.faults() != planned_faults_;
  planned_faults_ = check_.faults();
  program_cpu_ns_ = program_cpu(engine.os);
  const Pages mark = std::min(standing.marks.high, standing.marks.limit);
  const auto distance = static_cast<std::int64_t>((mark - standing.usage).bytes());
  // A fraction of the time the fastest grower needs to the mark, of CPU time and so of nobody's idleness.
  const std::int64_t horizon = std::clamp(distance / kBytesPerNs / 2, kLeastPoll, kIdlePoll);
  const bool beside = is_beside_a_worker(engine);
  set_timer(std::max(horizon, beside ? kLeastPollBeside : kMillisecond));
  if (!grows) {
    return is_debugged(engine.os) ? kMostPoll : -1;
  }
  poke_if_needed(engine, standing);
  // By the clock all cores may be at it.
  const std::int64_t growers = engine.many_threads.load(std::memory_order_relaxed) ? engine.os.cores() : 1;
  const std::int64_t pause = std::max(horizon / growers, beside ? kLeastPollBeside : kLeastPoll);
  return pause <= kMostPoll ? pause : is_debugged(engine.os) ? kMostPoll : -1;
}

bool is_traced(Os& os) {
  return tracer_of(os) != 0;
}

bool kernel_is_at_least(int major, int minor) {
  struct utsname name = {};
  raw_syscall(SYS_uname, sys_arg(&name));
  int have_major = 0;
  int have_minor = 0;
  const char* end = name.release + std::strlen(name.release);
  const auto first = std::from_chars(name.release, end, have_major);
  if (first.ptr < end) {
    std::from_chars(first.ptr + 1, end, have_minor);
  }
  return have_major > major || (have_major == major && have_minor >= minor);
}

}  // namespace weir
