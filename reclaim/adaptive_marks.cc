// adaptive_marks.cc - wider after trouble, narrower without.
#include "reclaim/adaptive_marks.h"

#include <algorithm>

#include "core/usage.h"

namespace weir {
namespace {

constexpr std::uint64_t kPauseNs = 5'000'000;
constexpr std::uint64_t kLeastMargin = 128;  // pages: two threads' worth between two samples

// Charges that met the limit, or were held because it was near.
std::uint64_t trouble_of(const ContainerRecord& record) {
  return record.counters.failcnt.load(std::memory_order_relaxed) +
         record.counters.throttle.load(std::memory_order_relaxed);
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
  const std::uint64_t trouble = trouble_of(record);
  const bool calm = record.adapted_trouble.exchange(trouble, std::memory_order_relaxed) == trouble;
  const std::uint64_t most = marks.limit.count / 8;
  const std::uint64_t least = std::min(std::max(marks.limit.count / 64, kLeastMargin), most);
  const std::uint64_t margin = (marks.limit - marks.high).count;
  const std::uint64_t wanted = std::clamp(calm ? margin - margin / 16 : margin + margin / 2, least, most);
  if (wanted == margin) {
    return;
  }
  // Low first when it goes down, so that low <= high holds for whoever looks in between.
  const std::uint64_t high = marks.limit.count - wanted;
  const std::uint64_t low = high - std::min(wanted, high);
  Counter& first = calm ? record.high_watermark : record.low_watermark;
  Counter& second = calm ? record.low_watermark : record.high_watermark;
  first.store(calm ? high : low, std::memory_order_relaxed);
  second.store(calm ? low : high, std::memory_order_relaxed);
}

}  // namespace weir
