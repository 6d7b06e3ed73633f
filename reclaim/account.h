// account.h - what this process owes its container, and where that leaves the container.
//
// The charge is re-read from the kernel, never summed up. Between two readings, faults since
// the last one bound how far it can have grown.
//
// Safe in signal handlers and from any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/os.h"
#include "core/proc.h"
#include "core/registry.h"
#include "core/usage.h"
#include "reclaim/pagemap.h"

namespace weir {

// Where a container and its parents stand, at the one that is nearest to trouble.
struct Standing {
  ContainerId container;  // the nearest to its limit, of ours and its ancestors
  Pages usage;
  Pages expected;  // of it, what is about to be touched
  Marks marks;
  Pages room = Pages::all();   // to the nearest limit
  Pages above_high;            // by how much the worst high watermark is exceeded
  Pages above_low;             // what must leave for all of them to be below their low one
  ContainerId high_container;  // whose high watermark that is
};

// Sums the books for `id` and every ancestor below `end` (nullptr: up to the root), `expected`
// pages on top, and notes peaks.
Standing standing_of(const RegistryView& view, ContainerId id, Pages expected, const ContainerId* end = nullptr);

// Faults of this process so far. Wraps around: only differences count. False: it cannot be told.
bool faults_so_far(Os& os, std::uint32_t& out);

class Account {
 public:
  constexpr Account() = default;

  void bind(RegistryView& view, MemberId member, std::uint32_t pid) {
    view_ = &view;
    member_ = member;
    pid_ = pid;
    home_.store(view.book(member).load().container.index, std::memory_order_relaxed);
  }
  // The container this member is in by now (it may have been moved); once the entry was given
  // back, the last one. A fork child asks when its parent may have ended already.
  [[nodiscard]] ContainerId container() const {
    const BookEntry entry = view_->book(member_).load();
    return entry.pid == pid_ ? entry.container : ContainerId{home_.load(std::memory_order_relaxed)};
  }
  // False once the entry was given back (the process is on its way out) or taken away.
  [[nodiscard]] bool is_member() const {
    return view_->book(member_).load().pid == pid_;
  }
  [[nodiscard]] MemberId member() const {
    return member_;
  }
  [[nodiscard]] std::uint32_t pid() const {
    return pid_;
  }

  // A fork child, whose pages are all its parent's as yet: they are charged once, to the parent.
  void begin_as_fork_child(Os& os);
  // Asks which of them have become its own since (written to, or the parent has let go): statm does not tell. At
  // most every 10 ms, and for a fiftieth of the time. `pagemap` is open and usable here.
  void recount_shared(Os& os, Pagemap& pagemap);
  [[nodiscard]] bool recount_is_due(Os& os) const;
  // Reads statm through `file` when it is open, else by open and close; then publishes.
  void refresh(Os& os, const StatmFile* file);
  // Faults of the whole process since the last reading: an upper bound of growth.
  [[nodiscard]] Pages faults_since_reading(Os& os) const;
  // Memory that is about to be touched in larger pieces than faults tell of. Counts until a
  // reading some ms later: the thread may be on its way to touch it when the next one is made.
  void expect(Os& os, Pages pages) {
    expected_at_ns_.store(os.now_ns(), std::memory_order_relaxed);
    expected_.fetch_add(pages.count, std::memory_order_relaxed);
  }
  [[nodiscard]] Pages last_reading() const {
    return Pages{static_cast<std::uint32_t>(reading_.load(std::memory_order_relaxed))};
  }

  // Sums the books for our container and every ancestor, `expected` pages of ours on top,
  // and notes peaks. Without a place in the books any more: no marks at all.
  [[nodiscard]] Standing standing(Pages expected) const;

 private:
  // As of now; where that is refused by now (seccomp), as of the last reading.
  [[nodiscard]] std::uint32_t faults_now(Os& os) const;
  // Writes what was read after that many faults into the books, unless another thread was later.
  void publish(Os& os, std::uint32_t faults, Pages anonymous);

  RegistryView* view_ = nullptr;
  MemberId member_;
  std::uint32_t pid_ = 0;
  std::atomic<std::uint32_t> home_{0};
  std::atomic<std::uint64_t> reading_{0};   // faults before it, in the upper half; pages
  std::atomic<std::uint64_t> expected_{0};  // beyond faults, since the reading
  std::atomic<std::uint64_t> expected_at_ns_{0};
  std::atomic<std::uint64_t> recount_due_ns_{0};
};

}  // namespace weir
