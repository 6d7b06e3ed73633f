// settle.cc - descriptors, signals and scheduling of the reclaimer; huge pages of its process.
#include "preload/settle.h"

#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/events.h"
#include "core/host_memory.h"
#include "core/raw_syscall.h"
#include "preload/real.h"

namespace weir {
namespace {

constexpr long kEveryDescriptor = 0xffff'ffff;

// Short slices: where all cores are busy it is chosen sooner after it has woken, and growth outruns it by less (EEVDF,
// Linux 6.12; others ignore it or refuse).
void ask_for_short_slices() {
  constexpr std::uint64_t kShortNs = 100'000;
  struct {  // struct sched_attr, as Linux 3.14 had it
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime_ns, deadline_ns, period_ns;
  } attributes{};
  if (raw_syscall(SYS_sched_getattr, 0, sys_arg(&attributes), sizeof(attributes), 0) == 0 &&
      attributes.policy == SCHED_OTHER) {
    attributes.size = sizeof(attributes);
    attributes.runtime_ns = kShortNs;
    raw_syscall(SYS_sched_setattr, 0, sys_arg(&attributes), 0);
  }
}

}  // namespace

void settle(Process& p) {
  raw_syscall(SYS_close_range, 0, kEveryDescriptor, CLOSE_RANGE_UNSHARE);
  raw_syscall(SYS_unshare, CLONE_FS);
  prctl(PR_SET_NAME, "weir");
  ask_for_short_slices();
  // The CPU-time timer's signal, and nothing else, may interrupt a sleep.
  sigset_t timer;
  sigemptyset(&timer);
  sigaddset(&timer, SIGTRAP);
  real_sigmask(SIG_UNBLOCK, &timer, nullptr);
  Os& os = p.engine.os;
  static_cast<void>(p.engine.pagemap.open(os));
  if (p.engine.pagemap.is_refused()) {
    post_event(
        os, p.engine.view,
        {EventKind::kMeter,
         p.engine.account.container(),
         p.pid.load(std::memory_order_relaxed),
         {},
         "may not read its own pagemap (it has changed its user): what is paged out and comes back is not seen"});
  }
  static_cast<void>(p.engine.statm.open(os));
  static_cast<void>(p.engine.evidence.open(os));
  p.engine.record().reclaimer_tid.store(static_cast<std::uint32_t>(os.tid()), std::memory_order_release);
}

void settle_huge_pages(Process& p) {
  constexpr unsigned long kExceptAdvised = 2;  // PR_THP_DISABLE_EXCEPT_ADVISED, Linux 6.18
  const HugePages huge = read_huge_pages(p.engine.os);
  p.engine.huge_pages_allowed = huge.on_advice;
  // Of any size: a fault that takes 64 KiB is one fault to the meter.
  if (huge.unasked_kib != 0 && prctl(PR_SET_THP_DISABLE, 1, kExceptAdvised, 0, 0) != 0) {
    p.engine.huge_pages_allowed = false;
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  }
}

}  // namespace weir
