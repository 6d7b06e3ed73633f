// refault_time.cc - a probe of eight pages, and the books.
#include "reclaim/refault_time.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "core/pressure.h"
#include "core/proc.h"
#include "reclaim/engine.h"

namespace weir {
namespace {

constexpr std::size_t kTimedPages = 8;
constexpr std::size_t kProbeBytes = 2 * kTimedPages * kPageBytes;  // half to read, half in the swap cache
constexpr std::size_t kWordsPerPage = kPageBytes / sizeof(std::uint64_t);
constexpr std::uint64_t kPauseNs = 1'000'000'000;
constexpr std::uint64_t kMostCostNs = 100'000'000;

std::uint64_t major_faults(Os& os) {
  struct rusage usage = {};
  return os.usage(&usage).ok() ? static_cast<std::uint64_t>(usage.ru_majflt) : 0;
}

// Half noise, half zeros: as compressible as memory tends to be.
void fill(volatile std::uint64_t* page, std::uint64_t seed) {
  std::uint64_t state = seed | 1;
  for (std::size_t i = 0; i < kWordsPerPage / 2; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    page[i] = state;
  }
}

// The middle one of the times that so many pages took to come back: an interruption spoils only one.
std::uint64_t time_return(Os& os, volatile std::uint64_t* pages) {
  std::array<std::uint64_t, kTimedPages> times{};
  std::uint64_t before = os.now_ns();
  for (std::size_t i = 0; i < kTimedPages; ++i) {
    pages[i * kWordsPerPage] = pages[i * kWordsPerPage] + 1;
    const std::uint64_t after = os.now_ns();
    times[i] = after - before;
    before = after;
  }
  std::sort(times.begin(), times.end());
  return std::min(times[kTimedPages / 2], kMostCostNs);
}

// A quarter of the new one: one odd measurement does not carry far.
void learn(std::atomic<std::uint64_t>& cost_ns, std::uint64_t measured_ns) {
  cost_ns.store((cost_ns.load(std::memory_order_relaxed) * 3 + measured_ns) / 4, std::memory_order_relaxed);
}

// Threads of the program, the reclaimer not among them.
std::uint64_t threads_of(Engine& engine) {
  ProcessStat stat;
  if (!engine.many_threads.load(std::memory_order_relaxed) ||
      read_process_stat(engine.os, engine.account.pid(), stat) != 0) {
    return 1;
  }
  const std::uint64_t threads = std::max(stat.threads, 1U);
  return threads > 1 && engine.reclaimer_runs.load(std::memory_order_relaxed) ? threads - 1 : threads;
}

void book_pressure(Engine& engine, ContainerId id, std::uint64_t stalled_ns, std::uint64_t now_ns) {
  ContainerRecord& record = engine.view.container(id);
  static_cast<void>(note_stalled_sum(record.some, stalled_ns, now_ns));
  if (!engine.many_threads.load(std::memory_order_relaxed) && members_of(engine.view, id) == 1) {
    static_cast<void>(note_stalled_sum(record.full, stalled_ns, now_ns));
  }
}

}  // namespace

void RefaultTime::measure(Os& os) {
  const std::uint64_t now = os.now_ns();
  const std::uint64_t booked = booked_.load(std::memory_order_relaxed);
  if (booked == booked_at_measure_ || now - measured_ns_ < kPauseNs) {
    return;
  }
  measured_ns_ = now;
  booked_at_measure_ = booked;
  if (!make_probe(os)) {
    return;
  }
  const auto address = reinterpret_cast<std::uintptr_t>(probe_);
  if (probe_is_out_) {
    static_cast<void>(os.advise(address + kProbeBytes / 2, kProbeBytes / 2, MADV_WILLNEED));
    const std::uint64_t majors = major_faults(os);
    const std::uint64_t read = time_return(os, probe_);
    if (major_faults(os) - majors >= kTimedPages) {  // else they had not left
      learn(read_ns_, read);
      learn(cached_ns_, time_return(os, probe_ + kTimedPages * kWordsPerPage));
    }
  }
  probe_is_out_ = os.advise(address, kProbeBytes, kAdvisePageOut).ok();
}

bool RefaultTime::make_probe(Os& os) {
  if (probe_ != nullptr) {
    return true;
  }
  const MapResult mapped = os.map_anonymous(kProbeBytes);
  if (!mapped.ok()) {
    return false;
  }
  probe_ = static_cast<std::uint64_t*>(mapped.address);
  for (std::size_t i = 0; i < 2 * kTimedPages; ++i) {
    fill(probe_ + i * kWordsPerPage, measured_ns_ + i);
  }
  return true;
}

// Major faults, up to `most`, that no refault was booked for yet: refaults are found some time later.
std::uint64_t RefaultTime::take_majors(Os& os, std::uint64_t most) {
  const std::uint64_t majors = major_faults(os);
  std::uint64_t taken = majors_taken_.load(std::memory_order_relaxed);
  for (;;) {
    // A fork child begins anew, its parent's figures in its books.
    const std::uint64_t left = majors > taken ? majors - taken : 0;
    const std::uint64_t now = std::min(left, most);
    if (majors_taken_.compare_exchange_weak(taken, std::min(taken, majors) + now, std::memory_order_relaxed)) {
      return now;
    }
  }
}

void RefaultTime::book(Engine& engine, std::uint64_t refaults) {
  if (refaults == 0) {
    return;
  }
  booked_.fetch_add(refaults, std::memory_order_relaxed);
  const std::uint64_t read = take_majors(engine.os, refaults);
  const std::uint64_t sum = read * read_ns() + (refaults - read) * cached_ns();
  const std::uint64_t threads = threads_of(engine);
  const std::uint64_t now = engine.os.now_ns();
  std::uint64_t unset = 0;  // there was no time before it came
  budget_.spent_ns.compare_exchange_strong(unset, engine.record().attached_ns.load(std::memory_order_relaxed));
  const std::uint64_t stalled = note_stalled_sum(budget_, sum / threads, now) * threads;
  if (stalled == 0) {
    return;
  }
  count(engine.counters().refault_ns, stalled);
  for (const ContainerId at : Upwards(engine.view, engine.account.container())) {
    book_pressure(engine, at, stalled, now);
  }
}

}  // namespace weir
