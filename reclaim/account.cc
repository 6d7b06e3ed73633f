// account.cc - reading our charge and summing the containers above us.
#include "reclaim/account.h"

#include <algorithm>

#include "core/fork_share.h"

namespace weir {
namespace {

constexpr std::uint64_t kTouchedSoonNs = 1'000'000;

std::uint32_t faults_of(std::uint64_t reading) {
  return static_cast<std::uint32_t>(reading >> 32);
}

// Two readings are never made so far apart that one is late: more than this many faults (64 GiB) between
// them are a long time without a reading, not a thread that was overtaken.
bool is_later(std::uint32_t one, std::uint32_t other) {
  constexpr std::uint32_t kMostOvertaken = 1U << 24;
  return one != other && one - other < kMostOvertaken;
}

}  // namespace

bool faults_so_far(Os& os, std::uint32_t& out) {
  struct rusage usage = {};
  if (!os.usage(&usage).ok()) {
    return false;
  }
  out = static_cast<std::uint32_t>(usage.ru_minflt) + static_cast<std::uint32_t>(usage.ru_majflt);
  return true;
}

std::uint32_t Account::faults_now(Os& os) const {
  std::uint32_t faults = 0;
  return faults_so_far(os, faults) ? faults : faults_of(reading_.load(std::memory_order_relaxed));
}

void Account::publish(Os& os, std::uint32_t faults, Pages anonymous) {
  home_.store(container().index, std::memory_order_relaxed);
  const std::uint64_t mine = std::uint64_t{faults} << 32 | std::min<std::uint64_t>(anonymous.count, UINT32_MAX);
  std::uint64_t seen = reading_.load(std::memory_order_acquire);
  do {
    if (is_later(faults_of(seen), faults)) {
      return;
    }
  } while (!reading_.compare_exchange_weak(seen, mine, std::memory_order_acq_rel));
  if (os.now_ns() - expected_at_ns_.load(std::memory_order_relaxed) > kTouchedSoonNs) {
    expected_.store(0, std::memory_order_relaxed);
  }
  // Who comes between these two has its own reading booked, by us or by itself.
  do {
    seen = reading_.load(std::memory_order_acquire);
    view_->book(member_).set_charge(pid_, own_share(view_->member(member_), last_reading()));
  } while (reading_.load(std::memory_order_acquire) != seen);
}

void Account::refresh(Os& os, const StatmFile* file) {
  // The faults first: what is touched while we read had better count twice than not at all.
  const std::uint32_t faults = faults_now(os);
  Pages anonymous;
  const int error =
      file != nullptr && file->is_open() ? file->read(os, anonymous) : read_anonymous(os, pid_, anonymous);
  if (error == 0) {
    publish(os, faults, anonymous);
  }
}

void Account::begin_as_fork_child(Os& os) {
  const std::uint32_t faults = faults_now(os);
  Pages anonymous;
  if (read_anonymous(os, pid_, anonymous) == 0) {
    begin_share(view_->member(member_), anonymous);
    reading_.store(std::uint64_t{faults} << 32, std::memory_order_relaxed);  // that was our parent's
    publish(os, faults, anonymous);
  }
}

bool Account::recount_is_due(Os& os) const {
  return view_->member(member_).shared_pages.load(std::memory_order_relaxed) != 0 &&
         os.now_ns() >= recount_due_ns_.load(std::memory_order_relaxed);
}

void Account::recount_shared(Os& os, Pagemap& pagemap) {
  constexpr std::uint64_t kLeastPauseNs = 10'000'000;
  constexpr std::uint64_t kMostShare = 50;
  if (!recount_is_due(os)) {
    return;
  }
  const std::uint64_t start = os.now_ns();
  Pages count;
  if (pagemap.count_shared(os, kWholeAddressSpace, count) == 0) {
    note_shared(view_->member(member_), count);
  }
  const std::uint64_t end = os.now_ns();
  recount_due_ns_.store(end + std::max(kLeastPauseNs, kMostShare * (end - start)), std::memory_order_relaxed);
}

Pages Account::faults_since_reading(Os& os) const {
  const std::uint32_t before = faults_of(reading_.load(std::memory_order_relaxed));
  const std::uint32_t now = faults_now(os);
  const Pages since{is_later(before, now) ? 0 : now - before};
  return since + Pages{expected_.load(std::memory_order_relaxed)};
}

Standing Account::standing(Pages expected) const {
  const BookEntry mine = view_->book(member_).load();
  return mine.pid == pid_ ? standing_of(*view_, mine.container, expected) : Standing{};
}

Standing standing_of(const RegistryView& view, ContainerId id, Pages expected, const ContainerId* end) {
  Standing standing;
  standing.expected = expected;
  ContainerId at = id;
  for (int depth = 0; depth <= kMaxContainerDepth && (end == nullptr || at != *end); ++depth) {
    ContainerRecord& record = view.container(at);
    const Marks marks = marks_of(record);
    if (!marks.limit.unlimited() || !marks.high.unlimited() || depth == 0) {
      const Pages usage = usage_of(view, at);
      note_usage(record, usage);
      const Pages charged = usage + expected;
      const Pages room = marks.limit.unlimited() ? Pages::all() : marks.limit - charged;
      if (depth == 0 || room < standing.room) {
        standing.container = at;
        standing.usage = charged;
        standing.marks = marks;
        standing.room = room;
      }
      if (charged - marks.high >= standing.above_high) {
        standing.above_high = charged - marks.high;
        standing.high_container = at;
      }
      standing.above_low = std::max(standing.above_low, charged - marks.low);
    }
    if (!parent_of(view, at, at)) {
      break;
    }
  }
  return standing;
}

}  // namespace weir
