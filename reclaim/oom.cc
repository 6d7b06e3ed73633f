// oom.cc - choosing, reporting and killing, inside one container.
#include "reclaim/oom.h"

#include <signal.h>

#include <algorithm>

#include "core/events.h"
#include "core/stats.h"
#include "core/text.h"
#include "reclaim/kill_warning.h"

namespace weir {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr int kVictimPatienceMs = 2000;
constexpr int kExempt = -1000;

bool is_exempt(Engine& engine, std::uint32_t pid) {
  return read_oom_score_adj(engine.os, pid) <= kExempt;
}

std::int64_t score_of(Engine& engine, std::uint32_t pid, Pages charge, Pages limit) {
  ProcessStatus status;
  static_cast<void>(read_process_status(engine.os, pid, status));
  return badness(charge, status.swapped, status.page_tables, read_oom_score_adj(engine.os, pid), limit);
}

template <typename Visit>
void each_member(Engine& engine, ContainerId id, Visit visit) {
  const Subtree subtree = Subtree::below(engine.view, id);
  const std::uint32_t high = engine.view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = engine.view.book(MemberId{i}).load();
    if (entry.pid != 0 && subtree.holds(entry.container)) {
      visit(MemberId{i}, entry);
    }
  }
}

// Each process once, with all that it has there: of its own and of its thread groups.
template <typename Visit>
void each_process(Engine& engine, ContainerId id, Visit visit) {
  each_member(engine, id, [&](MemberId at, const BookEntry& entry) {
    const MemberRecord& record = engine.view.member(at);
    const bool alone = record.is_group.load(std::memory_order_relaxed) == 0 &&
                       std::all_of(std::begin(record.groups), std::end(record.groups),
                                   [](const Word& group) { return group.load(std::memory_order_relaxed) == 0; });
    Pages charge = alone ? entry.charge : Pages::none();
    bool is_first = true;
    if (!alone) {
      each_member(engine, id, [&](MemberId other, const BookEntry& its) {
        is_first = is_first && (its.pid != entry.pid || other.index >= at.index);
        charge = charge + (its.pid == entry.pid ? its.charge : Pages::none());
      });
    }
    if (is_first) {
      visit(entry.pid, charge);
    }
  });
}

void add_signed(Text& text, std::int64_t value) {
  text.add(value < 0 ? "-" : "").add_number(static_cast<std::uint64_t>(value < 0 ? -value : value));
}

// One line of the report: to the events, and to wherever the program side sends it.
void tell(Engine& engine, OomReport& report, const EventNote& note) {
  post_event(engine.os, engine.view, note);
  report.line(note.text);
}

// The report comes before the kill: which limit, every member, the victim and its score.
void report(Engine& engine, const Standing& standing, const Victim& victim, OomReport& out) {
  TextBuffer<128> text;
  text.add("Container out of memory: usage ").add_number(standing.usage.bytes());
  text.add(" limit ").add_number(standing.marks.limit.bytes());
  text.add(" victim ").add_number(victim.pid).add(" score ");
  add_signed(text, victim.score);
  tell(engine, out,
       {EventKind::kOom,
        standing.container,
        engine.account.pid(),
        {standing.usage.bytes(), standing.marks.limit.bytes()},
        text.view()});
  each_member(engine, standing.container, [&](MemberId id, const BookEntry& entry) {
    ProcessStatus status;
    static_cast<void>(read_process_status(engine.os, entry.pid, status));
    TextBuffer<128> line;
    line.add(engine.view.member(id).comm).add(" [").add_number(entry.pid).add("] usage ");
    line.add_number(entry.charge.bytes()).add(" swap ").add_number(status.swapped.bytes()).add(" oom_score_adj ");
    add_signed(line, read_oom_score_adj(engine.os, entry.pid));
    tell(engine, out,
         {EventKind::kOomVictim,
          standing.container,
          entry.pid,
          {entry.charge.bytes(), status.swapped.bytes()},
          line.view()});
  });
}

void kill_one(Engine& engine, ContainerId container, std::uint32_t pid, std::int64_t score) {
  count(engine.view.container(container).counters.events_oom_kill);
  MemberId id;
  TextBuffer<64> text;
  text.add("Container out of memory: killed ");
  text.add(engine.view.find_member(pid, id) ? engine.view.member(id).comm : "?");
  post_event(
      engine.os, engine.view,
      {EventKind::kOomKill, container, pid, {static_cast<std::uint64_t>(score < 0 ? 0 : score), 0}, text.view()});
  static_cast<void>(engine.os.kill(static_cast<int>(pid), SIGKILL));
}

// Until the victim's memory is off the books, nobody else is considered.
void wait_for_victim(Engine& engine, std::uint32_t pid) {
  for (int waited_ms = 0; waited_ms < kVictimPatienceMs; ++waited_ms) {
    Pages left;
    if (read_anonymous(engine.os, pid, left) != 0 || left == Pages::none()) {
      break;
    }
    FutexWord never{0};
    static_cast<void>(engine.os.futex_wait(never, 0, kMillisecond));
  }
  refresh_members(engine.os, engine.view, Subtree::below(engine.view, engine.account.container()));
}

// Everybody exempt: then it is the one who asked.
Victim victim_of(Engine& engine, ContainerId id) {
  const Victim victim = choose_victim(engine, id);
  return victim.pid != 0 ? victim : Victim{engine.account.pid(), 0};
}

// Tells those who are to die and want to know. True: one of them has its grace still.
bool has_grace(Engine& engine, ContainerId id, const Victim& victim, OomPolicy policy) {
  begin_warnings(engine, id);
  std::uint64_t until_ns = warn_of_kill(engine, id, victim.pid);
  if (policy == OomPolicy::kGroup) {
    each_process(engine, id,
                 [&](std::uint32_t pid, Pages) { until_ns = std::max(until_ns, warn_of_kill(engine, id, pid)); });
  }
  return engine.os.now_ns() < until_ns;
}

void kill_by_policy(Engine& engine, const Standing& standing, OomPolicy policy) {
  const Victim victim = victim_of(engine, standing.container);
  if (has_grace(engine, standing.container, victim, policy)) {
    return;
  }
  end_warnings(engine, standing.container);
  count(engine.view.container(standing.container).counters.events_oom);
  {
    OomReport to_events_only;
    OomReport& out = engine.oom_report != nullptr ? *engine.oom_report : to_events_only;
    out.begin(victim.pid);
    report(engine, standing, victim, out);
    out.end();
  }
  const std::uint32_t self = engine.account.pid();
  if (engine.view.container(standing.container).oom_killer.load(std::memory_order_acquire) != self) {
    return;  // stopped meanwhile, and another has decided
  }
  if (policy == OomPolicy::kGroup) {
    count(engine.view.container(standing.container).counters.events_oom_group_kill);
    each_process(engine, standing.container, [&](std::uint32_t pid, Pages) {
      if (pid != self && pid != victim.pid && !is_exempt(engine, pid)) {
        kill_one(engine, standing.container, pid, 0);
      }
    });
    if (victim.pid != self) {
      kill_one(engine, standing.container, victim.pid, victim.score);
    }
    if (victim.pid == self || !is_exempt(engine, self)) {
      kill_one(engine, standing.container, self, 0);
    }
    return;
  }
  kill_one(engine, standing.container, victim.pid, victim.score);
  wait_for_victim(engine, victim.pid);
}

}  // namespace

std::int64_t badness(Pages resident, Pages swapped, Pages page_tables, int oom_score_adj, Pages limit) {
  if (oom_score_adj <= kExempt) {
    return INT64_MIN;
  }
  const auto points = static_cast<std::int64_t>(resident.count + swapped.count + page_tables.count);
  const std::int64_t total = limit.unlimited() ? points : static_cast<std::int64_t>(limit.count);
  return points + oom_score_adj * (total / 1000);
}

Victim choose_victim(Engine& engine, ContainerId id) {
  Victim worst{0, INT64_MIN};
  const Pages limit = marks_of(engine.view.container(id)).limit;
  each_process(engine, id, [&](std::uint32_t pid, Pages charge) {
    const std::int64_t score = score_of(engine, pid, charge, limit);
    if (score > worst.score) {
      worst = {pid, score};
    }
  });
  return worst;
}

void out_of_memory(Engine& engine, const Standing& standing, std::uint64_t stalled_since_ns) {
  ContainerRecord& container = engine.view.container(standing.container);
  if (marks_of(container).limit.unlimited()) {
    return;  // lifted meanwhile, or the registry is lost
  }
  const auto policy = static_cast<OomPolicy>(container.oom_policy.load(std::memory_order_relaxed));
  const std::uint64_t pause_ns = std::uint64_t{container.oom_pause_seconds.load(std::memory_order_relaxed)} * 1000 *
                                 static_cast<std::uint64_t>(kMillisecond);
  if (policy == OomPolicy::kPause && engine.os.now_ns() - stalled_since_ns < pause_ns) {
    return;  // the charger tries again, resting between rounds
  }
  std::uint32_t nobody = 0;
  const std::uint32_t self = engine.account.pid();
  if (!container.oom_killer.compare_exchange_strong(nobody, self, std::memory_order_acq_rel)) {
    // Somebody else decides. Should that one have died meanwhile, or been stopped, its office is vacant.
    ProcessStat stat;
    const bool gone = read_process_stat(engine.os, nobody, stat) != 0 || is_over(stat) || is_stopped(stat);
    if (gone) {
      container.oom_killer.compare_exchange_strong(nobody, 0, std::memory_order_acq_rel);
    }
    return;
  }
  kill_by_policy(engine, standing, policy);
  std::uint32_t mine = self;
  container.oom_killer.compare_exchange_strong(mine, 0, std::memory_order_release);
}

}  // namespace weir
