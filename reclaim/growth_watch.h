// growth_watch.h - the fallback meter: growth seen from outside the growing thread.
//
// For hosts where perf is refused, and for faults the perf meter does not see (meter_check.h).
// Three nets: a timer on the process' own CPU time wakes the reclaimer, so an idle process wakes
// nobody; near a mark the reclaimer polls; and a thread that grows where there is no room is
// poked with a queued SIGTRAP, whose handler makes it reclaim or wait.
//
// Used by the reclaimer thread only.
#pragma once

#include "reclaim/engine.h"
#include "reclaim/meter_check.h"

namespace weir {

class GrowthWatch final : public Interlude {
 public:
  // Arms the CPU-time timer, which interrupts the calling thread's sleep, and watches between the steps
  // of the engine's longer works, too, until it is closed.
  void open(Engine& engine);
  void close(Engine& engine);

  // Decides when the reclaimer should look again (ns; negative: when woken), and pokes threads
  // that grow although there is no room.
  std::int64_t plan(Engine& engine, const Standing& standing);

  // What has been done about it: a batch has left and growth outruns it, or nothing yet.
  enum class After { kBatch, kNothing };

  // Pokes the running threads if no perf meter sees what they touch and there is hardly
  // room left. Called between batches too: growth outruns page-out. After nothing, and while a quarter of
  // the room above high is left, only those that fault paged-out memory in: who touches fresh memory may
  // be in the middle of a read from a device, which a poke would end before its time.
  void poke_if_needed(Engine& engine, const Standing& standing, After after = After::kBatch);

  void interlude() override;

  // Sleeps until the word is no longer `seen`, `ns` have passed (negative: for ever) or, beside a thread that sees to
  // the marks itself, the process has grown by what its samples do not stand for.
  void sleep(Engine& engine, FutexWord& word, std::uint32_t seen, std::int64_t ns);

  // Interrupts whoever opened this after every so many ns of the process' CPU time; 0: never. Nor under a debugger,
  // which would stop the program at each.
  void set_timer(std::int64_t cpu_ns);

  // Whether the program's threads have used CPU time since the last plan, rather than the reclaimer that asks.
  [[nodiscard]] bool program_ran() const;

  // The value of a poke's SIGTRAP.
  static void* cookie();

 private:
  // kWhoMayHaveGrown: what was not looked at for long, or ever, counts as grown just now. Where threads keep
  // all cores busy, the second look comes milliseconds after the first, and tens of MiB.
  enum class Whom { kWhoFaultsIn, kWhoGrows, kWhoMayHaveGrown };
  void poke(Engine& engine, Whom whom);
  bool is_debugged(Os& os);
  // Whether this process grows unseen by the perf meter, and was not looked at a moment ago.
  bool is_due(Engine& engine);
  // CPU time of all threads but the calling one.
  static std::uint64_t program_cpu(Os& os);

  friend class Poker;
  // The faults of a thread when it was last looked at; threads share places by number.
  struct SeenThread {
    int tid = 0;
    std::uint64_t faults = 0;
    std::uint64_t major_faults = 0;
    std::uint64_t since_ns = 0;
  };
  static constexpr std::size_t kSeenThreads = 128;

  Engine* engine_ = nullptr;
  int timer_ = -1;
  int opened_in_ = 0;  // timers are not inherited by a fork child
  std::int64_t timer_ns_ = 0;
  bool debugged_ = false;
  std::uint64_t debugged_due_ns_ = 0;  // when that is to be asked again
  MeterCheck check_;
  std::uint64_t compared_ns_ = 0;
  std::uint32_t planned_faults_ = 0;  // of the program's threads, at the last plan
  std::uint64_t program_cpu_ns_ = 0;  // and their CPU time
  std::uint64_t last_poke_ns_ = 0;
  SeenThread seen_[kSeenThreads] = {};
};

// True while a debugger is attached: every SIGTRAP would stop the program.
bool is_traced(Os& os);
bool kernel_is_at_least(int major, int minor);

}  // namespace weir
