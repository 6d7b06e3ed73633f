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

// What is asked to leave: the runs of a scan but for what is spared, as few calls as may be. They are asked when the
// scan is over, since the pagemap may be used meanwhile.
class Pieces final : public RunVisitor {
 public:
  // `seen` is told of every run, null for nobody. `joined`: across what is not present, too.
  Pieces(AddressRange range, std::span<const PageSet> spared, RunVisitor* seen, bool joined)
      : first_(Granule::holding(range.begin)), spared_(spared), seen_(seen), joined_(joined), rest_(range.end) {}

  bool visit(const PageRun& run) override {
    ++runs_;
    if (seen_ != nullptr) {
      seen_->visit(run);
    }
    new_run_ = true;
    for (std::uintptr_t at = run.range.begin; at < run.range.end && !full_;) {
      const std::uintptr_t end = std::min(run.range.end, Granule::holding(at).range().end);
      visit_granule({at, end}, run.huge);
      at = end;
    }
    return !full_ || seen_ != nullptr;
  }
  [[nodiscard]] const PageRun* begin() const {
    return pieces_;
  }
  [[nodiscard]] const PageRun* end() const {
    return pieces_ + count_;
  }
  [[nodiscard]] std::size_t runs() const {
    return runs_;
  }
  // Where those begin that there was no place for.
  [[nodiscard]] std::uintptr_t rest() const {
    return rest_;
  }

 private:
  static constexpr std::size_t kMost = 32;

  // Parts of huge pages are not spared: that would split them.
  void visit_granule(AddressRange part, bool huge) {
    const std::size_t number = Granule::holding(part.begin).number - first_.number;
    const PageSet spared = huge || number >= spared_.size() ? PageSet{0} : spared_[number];
    if ((spared & pages_inside(part)) == 0) {
      add(part, huge);
      return;
    }
    for (std::uintptr_t at = part.begin; at < part.end; at += kPageBytes) {
      const AddressRange page{at, at + kPageBytes};
      if ((spared & pages_inside(page)) != 0) {
        cut_ = true;
      } else {
        add(page, huge);
      }
    }
  }
  void add(AddressRange range, bool huge) {
    if (full_) {
      return;
    }
    if (count_ > 0 && !cut_ && (joined_ || !new_run_)) {
      PageRun& last = pieces_[count_ - 1];
      last = {{last.range.begin, range.end}, last.huge || huge};
    } else if (count_ < kMost) {
      pieces_[count_++] = {range, huge};
    } else {
      rest_ = range.begin;
      full_ = true;
    }
    cut_ = false;
    new_run_ = false;
  }

  Granule first_;
  std::span<const PageSet> spared_;
  RunVisitor* seen_;
  bool joined_;
  bool full_ = false;
  bool cut_ = false;
  bool new_run_ = true;
  std::uintptr_t rest_;
  std::size_t runs_ = 0;
  std::size_t count_ = 0;
  PageRun pieces_[kMost];
};

class PageOut {
 public:
  PageOut(Os& os, Pagemap& pagemap, Interlude* between) : os_(os), pagemap_(pagemap), between_(between) {}

  // 0 or an errno.
  int ask(AddressRange range, RunVisitor& seen, std::span<const PageSet> spared) {
    Pieces pieces(range, spared, &seen, true);
    const int error = pagemap_.scan(os_, range, pieces);
    if (error != 0 || pieces.runs() == 0) {
      return error;
    }
    const bool together = pieces.runs() == 1 || !pagemap_.may_hold_file_pages(os_, range);
    if (together) {
      ask(pieces);
    }
    // A locked mapping ends the kernel's walk over a call's range: what lies behind was not asked.
    const bool again = !together || (locked_ && pieces.runs() > 1);
    return ask_rest(range, spared, again ? range.begin : pieces.rest(), !again);
  }
  [[nodiscard]] bool met_lock() const {
    return locked_;
  }

 private:
  int ask_rest(AddressRange range, std::span<const PageSet> spared, std::uintptr_t rest, bool joined) {
    while (rest < range.end) {
      Pieces pieces(range, spared, nullptr, joined);
      if (const int error = pagemap_.scan(os_, {rest, range.end}, pieces); error != 0) {
        return error;
      }
      ask(pieces);
      rest = pieces.rest();
    }
    return 0;
  }
  void ask(const Pieces& pieces) {
    for (const PageRun& piece : pieces) {
      const std::size_t step = between_ == nullptr || piece.huge ? piece.range.bytes() : kMostBetween.bytes();
      for (std::uintptr_t at = piece.range.begin; at < piece.range.end; at += step) {
        const SysResult result = os_.advise(at, std::min(step, piece.range.end - at), kAdvisePageOut);
        locked_ = locked_ || result.error() == EINVAL;
        breathe(between_);
      }
    }
  }

  Os& os_;
  Pagemap& pagemap_;
  Interlude* between_;
  bool locked_ = false;
};

}  // namespace

int page_out(Os& os, Pagemap& pagemap, AddressRange range, RunVisitor& seen, Interlude* between, bool& met_lock,
             std::span<const PageSet> spared) {
  PageOut call(os, pagemap, between);
  const int error = call.ask(range, seen, spared);
  met_lock = call.met_lock();
  pagemap.note_paged_out(range);
  return error;
}

Pages spare_of(const RegistryView& view, ContainerId own, ContainerId id) {
  const Pages beyond = beyond_minimum(view, own, id);
  return beyond.unlimited() ? beyond : beyond - kMostPerCall;
}

}  // namespace weir
