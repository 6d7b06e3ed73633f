// kill_warning.cc - warnings of one container, and the end of their grace.
#include "reclaim/kill_warning.h"

#include <algorithm>
#include <climits>

#include "core/events.h"
#include "core/stats.h"
#include "core/text.h"
#include "core/wake.h"
#include "reclaim/charge.h"
#include "reclaim/oom.h"

namespace weir {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kForgottenNs = 10'000 * kMillisecond;
constexpr int kTries = 3;
constexpr std::uint64_t kAgainNs = 20 * kMillisecond;

std::uint64_t load(const Counter& counter) {
  return counter.load(std::memory_order_acquire);
}

// This process sees to it that the grace has an end, even if nobody grows any more.
void watch_for_end(Engine& engine, ContainerId id, std::uint64_t until_ns) {
  engine.grace_container.store(id.index, std::memory_order_relaxed);
  engine.grace_check_ns.store(until_ns, std::memory_order_release);
  wake_reclaimer_of(engine.os, engine.record());
}

void tell(Engine& engine, ContainerId id, MemberRecord& record, std::uint32_t pid, std::uint64_t grace_ms) {
  record.warning.fetch_add(1, std::memory_order_release);
  static_cast<void>(engine.os.futex_wake(record.warning, INT_MAX));
  TextBuffer<64> text;
  text.add("warned of a kill: ").add_number(grace_ms).add(" ms to give memory back");
  post_event(engine.os, engine.view, {EventKind::kWarned, id, pid, {grace_ms, 0}, text.view()});
}

}  // namespace

bool in_grace(const Engine& engine, ContainerId id) {
  const std::uint64_t until = load(engine.view.container(id).grace_until_ns);
  return until != 0 && engine.os.now_ns() < until;
}

void begin_warnings(Engine& engine, ContainerId id) {
  ContainerRecord& container = engine.view.container(id);
  const std::uint64_t now = engine.os.now_ns();
  if (load(container.grace_since_ns) == 0 || load(container.grace_until_ns) + kForgottenNs < now) {
    container.grace_until_ns.store(0, std::memory_order_release);
    container.grace_since_ns.store(now, std::memory_order_release);
  }
}

std::uint64_t warn_of_kill(Engine& engine, ContainerId id, std::uint32_t pid) {
  MemberId member;
  if (!engine.view.find_member(pid, member)) {
    return 0;
  }
  MemberRecord& record = engine.view.member(member);
  ContainerRecord& container = engine.view.container(id);
  const std::uint64_t grace_ms = std::min(record.warn_grace_ms.load(std::memory_order_acquire), kMostGraceMs);
  const std::uint64_t known = load(record.warned_until_ns);
  if (grace_ms == 0 || known > load(container.grace_since_ns)) {
    return grace_ms == 0 ? 0 : known;
  }
  const std::uint64_t until = engine.os.now_ns() + grace_ms * kMillisecond;
  record.warned_until_ns.store(until, std::memory_order_release);
  const std::uint64_t latest = std::max(load(container.grace_until_ns), until);
  container.grace_until_ns.store(latest, std::memory_order_release);
  tell(engine, id, record, pid, grace_ms);
  watch_for_end(engine, id, latest);
  return until;
}

void end_warnings(Engine& engine, ContainerId id) {
  ContainerRecord& container = engine.view.container(id);
  container.grace_until_ns.store(0, std::memory_order_release);
  container.grace_since_ns.store(0, std::memory_order_release);
}

void note_room_after_grace(Engine& engine, ContainerId id) {
  if (load(engine.view.container(id).grace_since_ns) != 0 && !in_grace(engine, id)) [[unlikely]] {
    end_warnings(engine, id);
  }
}

std::int64_t mind_grace(Engine& engine) {
  const std::uint64_t due = engine.grace_check_ns.load(std::memory_order_acquire);
  const std::uint64_t now = engine.os.now_ns();
  if (due == 0 || now < due) {
    return due == 0 ? -1 : static_cast<std::int64_t>(due - now);
  }
  const ContainerId id{engine.grace_container.load(std::memory_order_relaxed)};
  refresh_members(engine.os, engine.view, Subtree::below(engine.view, id));
  const Marks marks = marks_of(engine.view.container(id));
  const Pages usage = usage_of(engine.view, id);
  if (load(engine.view.container(id).grace_since_ns) == 0 || usage <= marks.limit) {
    std::uint64_t seen = due;
    engine.grace_check_ns.compare_exchange_strong(seen, 0, std::memory_order_acq_rel);
    note_room_after_grace(engine, id);
    return -1;
  }
  // What grew since the warning may be such as can leave; and one fruitless try is no proof.
  const GroupNumber group = engine.groups.group_in(id);
  const ContainerId own = group == kNoGroup ? engine.account.container() : id;
  const Pages wanted = std::min(usage - marks.limit + kDirectBatch, spare_of(engine.view, own, id));
  const bool fruitless =
      wanted == Pages::none() || evict_batch(engine, engine.pagemap, {wanted, false, group}).done == Pages::none();
  engine.grace_tries = fruitless ? engine.grace_tries + 1 : 0;
  if (engine.grace_tries >= kTries) {
    engine.grace_tries = 0;
    Standing standing;
    standing.container = id;
    standing.usage = usage;
    standing.marks = marks;
    out_of_memory(engine, standing, 0);
  }
  return static_cast<std::int64_t>(kAgainNs);
}

}  // namespace weir
