// page_out.cc - runs of present pages, and the calls that ask them to leave.
#include "reclaim/page_out.h"

#include <errno.h>
#include <sys/mman.h>

#include <algorithm>

#include "core/usage.h"

namespace weir {
namespace {

// Small pages take up to 20 us each, where it takes an interrupt to flush them from another core's TLB.
constexpr Pages kMostBetween{32};

// All runs as one.
class Lump final : public RunVisitor {
 public:
  explicit Lump(RunVisitor& seen) : seen_(seen) {}

  bool visit(const PageRun& run) override {
    seen_.visit(run);
    all_ = {{count_ == 0 ? run.range.begin : all_.range.begin, run.range.end}, all_.huge || run.huge};
    ++count_;
    return true;
  }
  [[nodiscard]] const PageRun& all() const {
    return all_;
  }
  [[nodiscard]] std::size_t count() const {
    return count_;
  }

 private:
  RunVisitor& seen_;
  PageRun all_;
  std::size_t count_ = 0;
};

// The first runs of a scan. They are asked to leave when it is over, since the pagemap may be used meanwhile.
class FirstRuns final : public RunVisitor {
 public:
  explicit FirstRuns(std::uintptr_t end) : rest_(end) {}

  bool visit(const PageRun& run) override {
    if (count_ == kMost) {
      rest_ = run.range.begin;
      return false;
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
  // Where the others begin.
  [[nodiscard]] std::uintptr_t rest() const {
    return rest_;
  }

 private:
  static constexpr std::size_t kMost = 32;
  std::uintptr_t rest_;
  std::size_t count_ = 0;
  PageRun runs_[kMost];
};

class PageOut {
 public:
  PageOut(Os& os, Pagemap& pagemap, Interlude* between) : os_(os), pagemap_(pagemap), between_(between) {}

  // 0 or an errno.
  int ask(AddressRange range, RunVisitor& seen) {
    Lump lump(seen);
    const int error = pagemap_.scan(os_, range, lump);
    if (error != 0 || lump.count() == 0) {
      return error;
    }
    const bool together = lump.count() == 1 || !pagemap_.may_hold_file_pages(os_, range);
    if (together) {
      ask(lump.all());
    }
    // A locked mapping ends the kernel's walk over a call's range: what lies behind was not asked.
    return !together || (locked_ && lump.count() > 1) ? ask_singly(range) : 0;
  }
  [[nodiscard]] bool met_lock() const {
    return locked_;
  }

 private:
  int ask_singly(AddressRange range) {
    while (range.begin < range.end) {
      FirstRuns runs(range.end);
      if (const int error = pagemap_.scan(os_, range, runs); error != 0) {
        return error;
      }
      for (const PageRun& run : runs) {
        ask(run);
      }
      range.begin = runs.rest();
    }
    return 0;
  }
  void ask(const PageRun& run) {
    const std::size_t step = between_ == nullptr || run.huge ? run.range.bytes() : kMostBetween.bytes();
    for (std::uintptr_t at = run.range.begin; at < run.range.end; at += step) {
      const SysResult result = os_.advise(at, std::min(step, run.range.end - at), kAdvisePageOut);
      locked_ = locked_ || result.error() == EINVAL;
      breathe(between_);
    }
  }

  Os& os_;
  Pagemap& pagemap_;
  Interlude* between_;
  bool locked_ = false;
};

}  // namespace

int page_out(Os& os, Pagemap& pagemap, AddressRange range, RunVisitor& seen, Interlude* between, bool& met_lock) {
  PageOut call(os, pagemap, between);
  const int error = call.ask(range, seen);
  met_lock = call.met_lock();
  pagemap.note_paged_out(range);
  return error;
}

Pages spare_of(const RegistryView& view, ContainerId own, ContainerId id) {
  const Pages beyond = beyond_minimum(view, own, id);
  return beyond.unlimited() ? beyond : beyond - kMostPerCall;
}

}  // namespace weir
