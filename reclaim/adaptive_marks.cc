// adaptive_marks.cc - wider after trouble, narrower without.
#include "reclaim/adaptive_marks.h"

#include <algorithm>

#include "core/usage.h"
#include "reclaim/peers.h"

namespace weir {
namespace {

constexpr std::uint64_t kPauseNs = 5'000'000;
constexpr std::uint64_t kLeastMargin = 128;  // pages: two threads' worth between two samples

// Whether one process holds nearly all there is, and is stopped at its own samples. Who is held then waits for
// page-outs that are its own to pay for. With several it waits for others, and under the fallback meter it grows unseen
// until then.
bool is_held_for_itself(const Engine& engine, ContainerId id, Pages limit) {
  constexpr std::uint64_t kSmallPart = 8;
  if (!has_perf_meter(engine)) {
    return false;
  }
  Pages all;
  Pages largest;
  each_of_size(engine, id, Pages::none(), [&](const BookEntry& entry, const MemberRecord& record, MemberId) {
    all = all + size_of(entry, record);
    largest = std::max(largest, size_of(entry, record));
  });
  return (all - largest).count < limit.count / kSmallPart;
}

// The charges that met the limit (upper half) and those that were held because it was near (lower half) since the books
// began. Apart: whether the held ones count may change from one look to the next.
std::uint64_t trouble_of(const ContainerRecord& record) {
  return record.counters.failcnt.load(std::memory_order_relaxed) << 32 |
         (record.counters.throttle.load(std::memory_order_relaxed) & 0xffff'ffff);
}

bool is_calm(std::uint64_t before, std::uint64_t now, bool for_itself) {
  return for_itself ? before >> 32 == now >> 32 : before == now;
}

// How far low is from high: what leaves at once saves wake-ups, and is missed.
std::uint64_t depth_of(std::uint64_t margin, bool for_itself) {
  constexpr std::uint64_t kPart = 4;
  return for_itself ? std::max(margin / kPart, kLeastMargin) : margin;
}

}  // namespace

void adapt_marks(Engine& engine, ContainerId id) {
  ContainerRecord& record = engine.view.container(id);
  const Marks marks = marks_of(record);
  if (record.adaptive.load(std::memory_order_relaxed) == 0 || marks.limit.unlimited()) {
    return;
  }
  const std::uint64_t now = engine.os.now_ns();
  std::uint64_t last = record.adapted_ns.load(std::memory_order_relaxed);
  if (now - last < kPauseNs || !record.adapted_ns.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
    return;
  }
  const bool for_itself = is_held_for_itself(engine, id, marks.limit);
  const std::uint64_t trouble = trouble_of(record);
  const bool calm = is_calm(record.adapted_trouble.exchange(trouble, std::memory_order_relaxed), trouble, for_itself);
  const std::uint64_t most = marks.limit.count / 8;
  const std::uint64_t least = std::min(std::max(marks.limit.count / 64, kLeastMargin), most);
  const std::uint64_t margin = (marks.limit - marks.high).count;
  const std::uint64_t wanted = std::clamp(calm ? margin - margin / 16 : margin + margin / 2, least, most);
  if (wanted == margin) {
    return;
  }
  // Low first when it goes down, so that low <= high holds for whoever looks in between.
  const std::uint64_t high = marks.limit.count - wanted;
  const std::uint64_t low = high - std::min(depth_of(wanted, for_itself), high);
  Counter& first = calm ? record.high_watermark : record.low_watermark;
  Counter& second = calm ? record.low_watermark : record.high_watermark;
  first.store(calm ? high : low, std::memory_order_relaxed);
  second.store(calm ? low : high, std::memory_order_relaxed);
}

}  // namespace weir
