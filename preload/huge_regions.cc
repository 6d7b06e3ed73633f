// huge_regions.cc - two bits for each 2 MiB of address space: offered for a huge page, entered.
#include "preload/huge_regions.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <atomic>
#include <string_view>

#include "preload/process.h"
#include "reclaim/swap_limit.h"

namespace weir {
namespace {

constexpr std::size_t kUnitShift = 21;
constexpr std::size_t kAddressBits = 47;
constexpr std::size_t kWordBits = 64;
constexpr std::size_t kWords = (std::size_t{1} << (kAddressBits - kUnitShift)) / kWordBits;
// Smaller regions are a young heap's; a limit of a few units would be held by nothing finer.
constexpr std::size_t kLeastRegion = 2 * kHugeBytes;
constexpr std::uint64_t kLeastLimitBytes = 8 * kHugeBytes;
// What is taken into use at once is charged at once: more than this part of the limit would empty
// the rest of the program for it, and more than the limit could only end in a kill.
constexpr std::uint64_t kMostOfLimit = 8;

using Word64 = std::atomic<std::uint64_t>;

// Two tables of 8 MiB of address space, of which a page is touched for each 64 GiB of heap.
struct Tables {
  Word64 offered[kWords];
  Word64 entered[kWords];
};
constinit std::atomic<Tables*> the_tables{nullptr};

struct Units {
  std::size_t first;
  std::size_t end;
};

// The units that lie wholly inside a range.
Units inside(std::uintptr_t begin, std::size_t bytes) {
  return {(begin + kHugeBytes - 1) >> kUnitShift, (begin + bytes) >> kUnitShift};
}

std::uint64_t limit_bytes(const Process& p) {
  return Pages{p.engine.container().limit.load(std::memory_order_relaxed)}.bytes();
}

bool is_time(Process& p) {
  const Engine& engine = p.engine;
  if (!engine.reclaimer_ready.load(std::memory_order_acquire) || !engine.huge_pages_allowed ||
      (!is_sampled(engine) && engine.many_threads.load(std::memory_order_relaxed))) {
    return false;
  }
  const ContainerRecord& container = engine.container();
  const auto policy = static_cast<OomPolicy>(container.oom_policy.load(std::memory_order_relaxed));
  const Pages limit{container.limit.load(std::memory_order_relaxed)};
  // What of a huge page is never touched counts all the same, as usage and as swap: where that is bounded, it may be
  // what is lacking.
  if (SwapAllowance::applies(engine.view, engine.account.container())) {
    return false;
  }
  return policy != OomPolicy::kEnomem && !limit.unlimited() && limit_bytes(p) >= kLeastLimitBytes;
}

Tables* make_tables() {
  Tables* tables = the_tables.load(std::memory_order_acquire);
  if (tables != nullptr) {
    return tables;
  }
  const MapResult mapped = raw_os().map_anonymous(sizeof(Tables));
  if (!mapped.ok()) {
    return nullptr;
  }
  auto* made = static_cast<Tables*>(mapped.address);
  if (!the_tables.compare_exchange_strong(tables, made, std::memory_order_acq_rel)) {
    static_cast<void>(raw_os().unmap(mapped.address, sizeof(Tables)));
    return tables;
  }
  return made;
}

std::uint64_t bit_of(std::size_t unit) {
  return std::uint64_t{1} << (unit % kWordBits);
}

bool is_too_much_at_once(const Process& p, std::size_t bytes) {
  return bytes > 2 * kHugeBytes && bytes > limit_bytes(p) / kMostOfLimit;
}

// The faults of these units come one by one again, where the meter sees them.
void take_back_offer(Tables& tables, Units units) {
  bool any = false;
  for (std::size_t unit = units.first; unit < units.end; ++unit) {
    const std::uint64_t bit = bit_of(unit);
    any = (tables.offered[unit / kWordBits].fetch_and(~bit, std::memory_order_relaxed) & bit) != 0 || any;
  }
  if (any) {
    static_cast<void>(
        raw_os().advise(units.first << kUnitShift, (units.end - units.first) << kUnitShift, MADV_NOHUGEPAGE));
  }
}

}  // namespace

void offer_huge_pages(std::uintptr_t begin, std::size_t bytes) {
  Process& p = process();
  if (bytes < kLeastRegion || p.stage.load(std::memory_order_acquire) != Stage::kAttached || !is_time(p)) {
    return;
  }
  Tables* const tables = make_tables();
  const Units units = inside(begin, bytes);
  if (tables == nullptr || units.first >= units.end ||
      !raw_os().advise(units.first << kUnitShift, (units.end - units.first) << kUnitShift, MADV_HUGEPAGE).ok()) {
    return;
  }
  for (std::size_t unit = units.first; unit < units.end; ++unit) {
    tables->entered[unit / kWordBits].fetch_and(~bit_of(unit), std::memory_order_relaxed);
    tables->offered[unit / kWordBits].fetch_or(bit_of(unit), std::memory_order_relaxed);
  }
}

std::size_t enter_units(std::uintptr_t begin, std::size_t bytes) {
  Tables* const tables = the_tables.load(std::memory_order_acquire);
  std::size_t entered = 0;
  if (tables == nullptr || bytes == 0) {
    return entered;
  }
  if (is_too_much_at_once(process(), bytes)) [[unlikely]] {
    take_back_offer(*tables, inside(begin, bytes));
  }
  for (std::size_t unit = begin >> kUnitShift; unit <= (begin + bytes - 1) >> kUnitShift; ++unit) {
    Word64& word = tables->entered[unit / kWordBits];
    const bool is_offered = (tables->offered[unit / kWordBits].load(std::memory_order_relaxed) & bit_of(unit)) != 0;
    if (is_offered && (word.load(std::memory_order_relaxed) & bit_of(unit)) == 0 &&
        (word.fetch_or(bit_of(unit), std::memory_order_relaxed) & bit_of(unit)) == 0) {
      ++entered;
    }
  }
  return entered;
}

void leave_units(std::uintptr_t begin, std::size_t bytes) {
  Tables* const tables = the_tables.load(std::memory_order_acquire);
  if (tables == nullptr) {
    return;
  }
  const Units units = inside(begin, bytes);
  for (std::size_t unit = units.first; unit < units.end; ++unit) {
    tables->entered[unit / kWordBits].fetch_and(~bit_of(unit), std::memory_order_relaxed);
  }
}

}  // namespace weir
