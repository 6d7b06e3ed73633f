// fault_meter.cc - opening and switching the perf events.
#include "reclaim/fault_meter.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "core/tasks.h"

namespace weir {
namespace {

perf_event_attr attributes(std::uint64_t sig_data, bool disabled) {
  perf_event_attr attr;
  std::memset(&attr, 0, sizeof(attr));
  attr.type = PERF_TYPE_SOFTWARE;
  attr.size = sizeof(attr);
  attr.config = PERF_COUNT_SW_PAGE_FAULTS;
  attr.sample_period = FaultMeter::period_of(sig_data);
  attr.sample_type = PERF_SAMPLE_ADDR;
  // Also where the kernel would let us: a fault inside execve would leave a SIGTRAP pending for the
  // new program, which has no handler for it.
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  attr.disabled = disabled ? 1 : 0;
  attr.inherit = 1;
  attr.inherit_thread = 1;
  attr.remove_on_exec = 1;
  attr.sigtrap = 1;
  attr.sig_data = sig_data;
  return attr;
}

}  // namespace

int FaultMeter::open_thread(Os& os, int tid) {
  perf_event_attr coarse = attributes(kCookie, false);
  const SysResult fd = os.perf_open(&coarse, tid);
  if (!fd.ok()) {
    return fd.error();
  }
  perf_event_attr fine = attributes(kFineCookie, true);
  const SysResult fine_fd = os.perf_open(&fine, tid);
  coarse_[count_] = static_cast<int>(fd.value());
  fine_fds_[count_] = fine_fd.ok() ? static_cast<int>(fine_fd.value()) : -1;
  may_be_fine_ = may_be_fine_ && fine_fd.ok();
  ++count_;
  return 0;
}

int FaultMeter::open(Os& os) {
  class Opener final : public ThreadVisitor {
   public:
    Opener(FaultMeter& meter, Os& system) : meter_(meter), os_(system) {}
    bool visit(int tid) override {
      if (tid == os_.tid()) {
        return true;  // the reclaimer's own faults are nobody's growth
      }
      const int error = meter_.open_thread(os_, tid);
      // ESRCH: it ended between being listed and being asked for.
      error_ = error != 0 && error != ESRCH ? error : error_;
      return error_ == 0 && meter_.count_ < kMostThreads;
    }
    [[nodiscard]] int error() const {
      return error_;
    }

   private:
    FaultMeter& meter_;
    Os& os_;
    int error_ = 0;
  };
  Opener opener(*this, os);
  const int listing = each_thread(os, static_cast<std::uint32_t>(os.pid()), opener);
  const int error = listing != 0 ? listing : opener.error();
  if (error != 0) {
    close(os);
  }
  return error;
}

void FaultMeter::close(Os& os) {
  fine_.store(false, std::memory_order_relaxed);
  for (std::size_t i = 0; i < count_; ++i) {
    static_cast<void>(os.close(coarse_[i]));
    if (fine_fds_[i] >= 0) {
      static_cast<void>(os.close(fine_fds_[i]));
    }
  }
  forget();
}

void FaultMeter::forget() {
  count_ = 0;
  fine_.store(false, std::memory_order_relaxed);
  may_be_fine_ = true;
}

void FaultMeter::set_fine(Os& os, bool fine) {
  if (fine == is_fine() || !may_be_fine_) {
    return;
  }
  if (!fine) {
    fine_.store(false, std::memory_order_relaxed);  // the coarse ones are listened to before the fine ones end
  }
  for (std::size_t i = 0; i < count_; ++i) {
    static_cast<void>(os.ioctl(fine_fds_[i], fine ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, nullptr));
  }
  fine_.store(fine, std::memory_order_relaxed);
}

}  // namespace weir
