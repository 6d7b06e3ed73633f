// peers.cc - whether a member rests, by its CPU clock.
#include "reclaim/peers.h"

namespace weir {

bool has_been_idle(Os& os, const BookEntry& entry, MemberRecord& record) {
  constexpr std::uint64_t kIdleNs = 1'000'000'000;
  constexpr std::uint64_t kTickNs = 2'000'000;
  const std::uint64_t now = os.now_ns();
  // Without its reclaimer, which is woken for others all the time: who rests would never seem to.
  const std::uint64_t cpu =
      os.process_cpu_ns(static_cast<int>(entry.pid)) - record.reclaimer_cpu_ns.load(std::memory_order_relaxed);
  const std::uint64_t seen_at = record.cpu_seen_at_ns.load(std::memory_order_relaxed);
  if (seen_at == 0 || cpu > record.cpu_seen_ns.load(std::memory_order_relaxed) + kTickNs) {
    record.cpu_seen_ns.store(cpu, std::memory_order_relaxed);
    record.cpu_seen_at_ns.store(now, std::memory_order_relaxed);
    return false;
  }
  return now - seen_at > kIdleNs;
}

}  // namespace weir
