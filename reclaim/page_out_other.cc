// page_out_other.cc - its pagemap says what is there, a pidfd says who is meant.
#include "reclaim/page_out_other.h"

#include <algorithm>
#include <cerrno>

#include "core/proc.h"
#include "reclaim/page_out.h"
#include "reclaim/pagemap.h"

namespace weir {
namespace {

class OutsidePageOut final : public RunVisitor {
 public:
  OutsidePageOut(Os& os, int pidfd, Pages wanted) : os_(os), pidfd_(pidfd), wanted_(wanted) {}
  bool visit(const PageRun& run) override {
    const Pages most = wanted_ - asked_;
    const std::size_t bytes = std::min(run.range.bytes(), static_cast<std::size_t>(most.bytes()));
    const SysResult result = os_.advise_other(pidfd_, run.range.begin, bytes, kAdvisePageOut);
    refused_ = result.error() == EPERM;
    asked_ = asked_ + Pages{result.ok() ? bytes / kPageBytes : 0};  // locked memory is an error, and passed by
    next_ = run.range.begin + bytes;
    return goes_on();
  }
  [[nodiscard]] bool goes_on() const {
    return asked_ < wanted_ && !refused_;
  }
  [[nodiscard]] std::uintptr_t next() const {
    return next_;
  }

 private:
  Os& os_;
  int pidfd_;
  Pages wanted_;
  Pages asked_;
  std::uintptr_t next_ = 0;
  bool refused_ = false;
};

void page_out_from(Os& os, std::uint32_t pid, OutsidePageOut& page_out, Counter& at) {
  ScanBuffer buffer;
  Pagemap pagemap(buffer);
  if (pagemap.open_of(os, pid) != 0) {
    return;
  }
  const std::uintptr_t start = std::clamp(
      static_cast<std::uintptr_t>(at.load(std::memory_order_relaxed)) & ~static_cast<std::uintptr_t>(kPageBytes - 1),
      kWholeAddressSpace.begin, kWholeAddressSpace.end);
  static_cast<void>(pagemap.scan(os, {start, kWholeAddressSpace.end}, page_out));
  if (page_out.goes_on()) {
    static_cast<void>(pagemap.scan(os, {kWholeAddressSpace.begin, start}, page_out));
  }
  at.store(page_out.next(), std::memory_order_relaxed);
  pagemap.close(os);
}

}  // namespace

Pages page_out_of(Os& os, std::uint32_t pid, Pages wanted, Counter& at) {
  Pages before;
  Pages after;
  const SysResult pidfd = os.pidfd(static_cast<int>(pid));
  if (!pidfd.ok()) {
    return Pages::none();
  }
  const int fd = static_cast<int>(pidfd.value());
  if (read_anonymous(os, pid, before) == 0) {
    OutsidePageOut page_out(os, fd, wanted);
    page_out_from(os, pid, page_out, at);
  }
  static_cast<void>(os.close(fd));
  return read_anonymous(os, pid, after) == 0 ? before - after : Pages::none();
}

}  // namespace weir
