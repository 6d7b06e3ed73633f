// page_out.cc - runs of present pages, and the calls that ask them to leave.
#include "reclaim/page_out.h"

#include <errno.h>
#include <sys/mman.h>

#include <algorithm>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

namespace weir {
namespace {

// Small pages take up to 20 us each, where it takes an interrupt to flush them from another core's TLB.
constexpr Pages kMostBetween{32};

// The first runs of a scan. They are asked to leave when it is over, since the pagemap may be used meanwhile.
class FirstRuns final : public RunVisitor {
 public:
  FirstRuns(RunVisitor* seen, std::uintptr_t end) : seen_(seen), rest_(end) {}

  bool visit(const PageRun& run) override {
    if (count_ == kMost) {
      rest_ = run.range.begin;
      return false;
    }
    if (seen_ != nullptr) {
      seen_->visit(run);
    }
    runs_[count_++] = run;
    return true;
  }
  [[nodiscard]] const PageRun* begin() const {
    return runs_;
  }
  [[nodiscard]] const PageRun* end() const {
    return runs_ + count_;
  }
  [[nodiscard]] std::size_t count() const {
    return count_;
  }
  // Where the others begin.
  [[nodiscard]] std::uintptr_t rest() const {
    return rest_;
  }
  // All of them as one; there must be some.
  [[nodiscard]] PageRun together() const {
    const bool huge = std::any_of(begin(), end(), [](const PageRun& run) { return run.huge; });
    return {{runs_[0].range.begin, runs_[count_ - 1].range.end}, huge};
  }

 private:
  static constexpr std::size_t kMost = 16;
  RunVisitor* seen_;
  std::uintptr_t rest_;
  std::size_t count_ = 0;
  PageRun runs_[kMost];
};

class PageOut {
 public:
  PageOut(Os& os, Pagemap& pagemap, Interlude* between) : os_(os), pagemap_(pagemap), between_(between) {}

  // 0 or an errno.
  int ask(AddressRange range, RunVisitor* seen, bool singly) {
    for (std::uintptr_t at = range.begin; at < range.end;) {
      FirstRuns runs(seen, range.end);
      if (const int error = pagemap_.scan(os_, {at, range.end}, runs); error != 0) {
        return error;
      }
      if (singly || (runs.count() > 1 && pagemap_.may_hold_file_pages(os_, range))) {
        for (const PageRun& run : runs) {
          ask(run);
        }
      } else if (runs.count() > 0) {
        ask(runs.together());
        lumped_ = lumped_ || runs.count() > 1;
      }
      at = runs.rest();
    }
    return 0;
  }
  [[nodiscard]] bool met_lock() const {
    return locked_;
  }
  // A locked mapping ends the kernel's walk over a call's range: what lies behind was not asked.
  [[nodiscard]] bool must_go_singly() const {
    return locked_ && lumped_;
  }

 private:
  void ask(const PageRun& run) {
    const std::size_t step = between_ == nullptr || run.huge ? run.range.bytes() : kMostBetween.bytes();
    for (std::uintptr_t at = run.range.begin; at < run.range.end; at += step) {
      const SysResult result = os_.advise(at, std::min(step, run.range.end - at), MADV_PAGEOUT);
      locked_ = locked_ || result.error() == EINVAL;
      breathe(between_);
    }
  }

  Os& os_;
  Pagemap& pagemap_;
  Interlude* between_;
  bool locked_ = false;
  bool lumped_ = false;  // several runs went in one call
};

}  // namespace

int page_out(Os& os, Pagemap& pagemap, AddressRange range, RunVisitor& seen, Interlude* between, bool& met_lock) {
  PageOut call(os, pagemap, between);
  int error = call.ask(range, &seen, false);
  if (error == 0 && call.must_go_singly()) {
    error = call.ask(range, nullptr, true);
  }
  met_lock = call.met_lock();
  pagemap.note_paged_out(range);
  return error;
}

}  // namespace weir
