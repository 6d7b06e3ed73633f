// enomem.cc - the policy's reserve, and its answers.
#include "reclaim/enomem.h"

#include <algorithm>

#include "core/events.h"
#include "reclaim/look_around.h"

namespace weir {
namespace {

// For so long a refusal stands for the next one, unless that much was freed since: it may be purged for it.
constexpr std::uint64_t kRefusedNs = 100'000'000;
constexpr std::uint64_t kMuchFreed = 64 * kKiB;
// So much a handler of a refusal may take.
constexpr std::uint64_t kHandledNs = 1'000'000'000;

// What the policy "enomem" keeps back so that handlers and unwinding still get memory.
Pages reserve_of(Pages limit) {
  return std::max(Pages::holding(kMiB), Pages{limit.count / 32});
}

// Up to half of the reserve small allocations are served, then one is refused. Its handler has another eighth, for a
// second; should nobody have minded the refusal, the next one's handler still has one. The last eighth is for what is
// mapped and not touched yet: a fault cannot be refused.
bool fits_small_reserve(const Engine& engine, const Standing& standing) {
  constexpr std::uint64_t kHalf = 4;
  constexpr std::uint64_t kMost = 7;
  const bool is_handled = engine.os.now_ns() < engine.small_served_until_ns.load(std::memory_order_relaxed);
  const std::uint64_t more = is_handled ? engine.small_refused.load(std::memory_order_relaxed) : 0;
  const Pages served{reserve_of(standing.marks.limit).count * std::min(kHalf + more, kMost) / 8};
  return standing.usage <= standing.marks.limit + served;
}

void note_small_refusal(Engine& engine) {
  const std::uint64_t now = engine.os.now_ns();
  if (now >= engine.small_served_until_ns.exchange(now + kHandledNs, std::memory_order_relaxed)) {
    engine.small_refused.store(0, std::memory_order_relaxed);
  }
  engine.small_refused.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

bool may_refuse_in(const RegistryView& view, ContainerId at) {
  for (const ContainerId each : Upwards(view, at)) {
    if (is_enomem(view.container(each))) {
      return true;
    }
  }
  return false;
}

bool fits_reserve(const Standing& standing) {
  return standing.usage <= standing.marks.limit + reserve_of(standing.marks.limit);
}

bool refuses(const Engine& engine, const Standing& standing, const ChargeRequest& request) {
  return request.may_refuse && meets_enomem(engine, standing) &&
         !(request.is_small && fits_small_reserve(engine, standing));
}

Pages needed_at_once(const Engine& engine, const Standing& standing, const ChargeRequest& request) {
  return refuses(engine, standing, request) ? request.expected : Pages::none();
}

bool within_reserve(const Engine& engine, const Standing& standing) {
  return meets_enomem(engine, standing) && fits_reserve(standing);
}

Verdict refuse(Engine& engine, const Standing& standing, const ChargeRequest& request) {
  if (request.is_small) {
    note_small_refusal(engine);
  }
  ContainerCounters& counters = engine.view.container(standing.container).counters;
  count(counters.events_oom);
  if (counters.enomem.fetch_add(1, std::memory_order_relaxed) == 0) {
    post_event(engine.os, engine.view,
               {EventKind::kEnomem,
                standing.container,
                engine.account.pid(),
                {standing.usage.bytes(), request.expected.bytes()},
                "first allocation refused with ENOMEM"});
  }
  return Verdict::kRefused;
}

bool has_answer(const Engine& engine, const Standing& standing, const ChargeRequest& request) {
  return refuses(engine, standing, request) || within_reserve(engine, standing);
}

Verdict give_answer(Engine& engine, const Standing& standing, const ChargeRequest& request) {
  if (!refuses(engine, standing, request)) {
    return Verdict::kRoom;
  }
  engine.refused_in.store(standing.container.index, std::memory_order_relaxed);
  engine.refused_freed.store(request.freed, std::memory_order_relaxed);
  engine.refused_until_ns.store(engine.os.now_ns() + kRefusedNs, std::memory_order_relaxed);
  return refuse(engine, standing, request);
}

void forget_refusal(Engine& engine, std::size_t bytes) {
  if (bytes >= kMuchFreed && engine.refused_until_ns.load(std::memory_order_relaxed) != 0) {
    engine.refused_until_ns.store(0, std::memory_order_relaxed);
  }
}

bool answered_again(Engine& engine, const ChargeRequest& request, const Standing& standing, Verdict& verdict) {
  const std::uint64_t freed = request.freed - engine.refused_freed.load(std::memory_order_relaxed);
  const bool is_known = request.freed != ChargeRequest::kFreedUnknown && freed < kMuchFreed &&
                        engine.refused_in.load(std::memory_order_relaxed) == standing.container.index &&
                        engine.os.now_ns() < engine.refused_until_ns.load(std::memory_order_relaxed);
  if (!is_known || !over_limit(standing) || !has_answer(engine, standing, request)) {
    return false;
  }
  verdict = Verdict::kRoom;
  if (refuses(engine, standing, request)) {
    count(engine.view.container(standing.container).counters.failcnt);
    verdict = refuse(engine, standing, request);
  }
  return true;
}

}  // namespace weir
