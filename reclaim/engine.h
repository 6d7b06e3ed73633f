// engine.h - everything one process needs to reclaim: its account, its ranking, its lock.
//
// One per process, in static memory. preload owns it; reclaim's functions are given it.
// What only the program side can do (purging its allocator) comes in as a function.
#pragma once

#include <atomic>
#include <string_view>

#include "core/os.h"
#include "core/proc.h"
#include "core/registry.h"
#include "reclaim/account.h"
#include "reclaim/evictor.h"
#include "reclaim/free_keeper.h"
#include "reclaim/load_control.h"
#include "reclaim/oom_pause.h"
#include "reclaim/pagemap.h"
#include "reclaim/placement.h"
#include "reclaim/proactive.h"
#include "reclaim/ranking.h"
#include "reclaim/readahead.h"
#include "reclaim/reclaim_lock.h"
#include "reclaim/recorder.h"
#include "reclaim/refault_time.h"
#include "reclaim/thread_groups.h"
#include "reclaim/use_evidence.h"

namespace weir {

// Where the lines of an OOM report go beside the events. Called in the thread that decides, which
// may be in a signal handler: raw system calls only.
class OomReport {
 public:
  virtual void begin(std::uint32_t) {}
  virtual void line(std::string_view) {}
  virtual void end() {}
};

struct Engine {
  explicit constexpr Engine(Os& system) : os(system) {}

  Os& os;
  RegistryView view;
  Account account;
  ThreadGroups groups;
  SharedRanking shared;
  Readahead readahead;
  LoadControl load_control;
  Placement placement;
  RefaultTime refault_time;
  Proactive proactive;  // the reclaimer's
  FreeKeeper free_keeper;
  AddressRange own;  // our own static memory: never evicted

  // The reclaimer thread's descriptors, in its own table; nobody else may use them.
  ScanBuffer scan_buffer;
  Pagemap pagemap{scan_buffer};
  StatmFile statm;
  UseEvidence evidence;
  Interlude* interlude = nullptr;     // the reclaimer's; may be null
  ReclaimLock evidence_lock;          // for a pass, and the two counts below
  std::uint64_t refaults_judged = 0;  // refault count when evidence was last asked for
  std::uint64_t evicted_judged = 0;

  // Threads of the program that evict where they grew, one at a time.
  ReclaimLock direct_lock;
  ScanBuffer direct_buffer;

  Recorder recorder;  // off, unless WEIR_RECORD asks for it

  // Gives the allocator's free pages back. Called without the lock by the reclaimer thread, or
  // by a program thread at a point where it holds no allocator lock. May be null.
  void (*purge)() = nullptr;
  // The same for those that have been free for a while, as its own clock would if the program called it. May be null.
  void (*decay)() = nullptr;
  // Large free blocks stay with the allocator, or go at once. False: it has had none so far. May be null.
  bool (*keep_large)(bool keep) = nullptr;
  OomReport* oom_report = nullptr;  // may be null
  // The program has a signal for the calling thread, which comes when the thread is done here. May be null.
  bool (*signal_waits)() = nullptr;

  std::atomic<bool> reclaimer_runs{false};
  std::atomic<bool> reclaimer_ready{false};  // its meter is in force
  std::atomic<bool> reclaimer_sleeps{false};
  // There will be none (WEIR_THREADLESS, no thread to be had): then there is no other way than
  // to open descriptors for a moment in whatever thread it is.
  std::atomic<bool> reclaimer_barred{false};
  // More than one thread of the program: nobody but the reclaimer may open descriptors.
  std::atomic<bool> many_threads{false};
  // Whoever grows by larger pieces than a sample wants this much kept free below high.
  std::atomic<std::uint64_t> headroom{0};
  std::atomic<std::uint64_t> headroom_until_ns{0};
  // The host gives huge pages to who asks (written before reclaimer_ready).
  bool huge_pages_allowed = false;
  std::atomic<std::uint32_t> waiters{0};  // threads at the limit that wait for the reclaimer
  std::atomic<bool> unserved{false};      // one of them has come since room was last announced
  // Since when the reclaimer is in one of the three above: it may be waiting for a lock whose holder waits for it.
  std::atomic<std::uint64_t> in_allocator_ns{0};  // 0: it is not
  std::atomic<std::uint64_t> looks{0};            // the reclaimer's, that are over
  FutexWord asked_here{0};                        // kRequest* bits: what this process asks of its own reclaimer
  FutexWord room{0};                        // raised whenever memory was given back: who waits for room sleeps here
  std::atomic<std::uint64_t> evicted{0};    // pages this process made leave so far
  std::atomic<std::uint64_t> came_back{0};  // and those that were found back
  std::atomic<std::uint64_t> evicted_of_groups{0};  // of those, what is in the books of thread groups
  std::atomic<std::uint32_t> sampled{0};            // faults that samples of the perf meter stand for; wraps
  std::atomic<bool> grows_unseen{false};            // there are many more faults than that
  std::atomic<std::uint64_t> no_swap_until_ns{0};   // eviction is pointless before

  std::atomic<std::uint64_t> purged_ns{0};          // when the reclaimer's last purge was over
  std::atomic<bool> purge_wanted{false};            // by a thread at the limit, for which nothing leaves
  std::atomic<std::uint64_t> swap_published_ns{0};  // when it was last told how much is paged out
  std::atomic<std::uint64_t> deferred_since_ns{0};  // waiting for held members to give, since

  std::atomic<std::uint64_t> grace_check_ns{0};    // when the grace we gave is over; 0: we gave none
  std::atomic<std::uint32_t> grace_container{0};   // and whose limit it is about
  int grace_tries = 0;                             // of the reclaimer to make room after it
  std::atomic<std::uint64_t> refused_until_ns{0};  // until then who asks for what does not fit need not try for it
  // Small ones were refused: their handlers have more of the reserve.
  std::atomic<std::uint64_t> small_served_until_ns{0};
  std::atomic<std::uint64_t> small_refused{0};      // so many, one soon after the other
  std::atomic<std::uint32_t> refused_in{0};         // in which container
  std::atomic<std::uint64_t> refused_freed{0};      // and had freed so much (ChargeRequest)
  std::atomic<std::uint64_t> hopeless_until_ns{0};  // what cannot leave fills the limit: so it was found
  OomPauses oom_pauses;
  std::atomic<std::uint64_t> forked_ns{0};           // when this process last made a child by fork
  std::atomic<std::uint64_t> left_behind_due_ns{0};  // when what was left behind is to be looked at again
  std::atomic<std::uint64_t> mover_until_ns{0};      // until then who asked to leave it may still be about to move us

  [[nodiscard]] ContainerRecord& container() const {
    return view.container(account.container());
  }
  [[nodiscard]] ContainerCounters& counters() const {
    return container().counters;
  }
  [[nodiscard]] MemberRecord& record() const {
    return view.member(account.member());
  }
  [[nodiscard]] bool is_called_away() const {
    return signal_waits != nullptr && signal_waits();
  }
  // A fork child, part of whose memory is its parent's to pay for.
  [[nodiscard]] bool shares_inherited() const {
    return record().shared_pages.load(std::memory_order_relaxed) != 0;
  }
  [[nodiscard]] bool may_open_here() const {
    return !many_threads.load(std::memory_order_relaxed) || reclaimer_barred.load(std::memory_order_relaxed);
  }
};

// The reclaimer's, around a call to the allocator.
class InAllocator {
 public:
  explicit InAllocator(Engine& engine) : engine_(engine) {
    engine_.in_allocator_ns.store(engine.os.now_ns(), std::memory_order_release);
  }
  ~InAllocator() {
    engine_.in_allocator_ns.store(0, std::memory_order_release);
  }
  InAllocator(const InAllocator&) = delete;
  InAllocator& operator=(const InAllocator&) = delete;

 private:
  Engine& engine_;
};

inline void count(Counter& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

inline bool has_perf_meter(const Engine& engine) {
  return engine.record().meter.load(std::memory_order_relaxed) != static_cast<std::uint32_t>(Meter::kFallback);
}
// Whether growth is seen at every few faults: by the perf meter, unless the kernel touches memory for the program. The
// fallback notices it late.
inline bool is_sampled(const Engine& engine) {
  return has_perf_meter(engine) && !engine.grows_unseen.load(std::memory_order_relaxed);
}

// Sleeps until the reclaimer that was started has its meter in force; 100 ms at most.
void await_reclaimer(Engine& engine);

// What growth in large pieces, ours or that of somebody who called for help, wants kept free just now.
Pages headroom(Engine& engine);
// The same in the containers of a group, below the process' own.
Pages headroom_of_group(const Engine& engine, GroupNumber group);

// Wakes the reclaimer of this process, if it sleeps.
void wake_reclaimer(Engine& engine);
// Asks it for kRequestRefresh or kRequestDump and waits so long at most until that is done. Not by its record's word,
// where others may be asking for something else.
void ask_reclaimer(Engine& engine, std::uint32_t what, std::int64_t most_ns);
// The reclaimer's: what was asked for, and that it is done.
std::uint32_t asked_here(const Engine& engine);
void answer_here(Engine& engine, std::uint32_t what);

struct BatchOrder {
  Pages wanted;
  bool patient = true;           // false: also what would not leave before
  GroupNumber group = kNoGroup;  // of its memory only, booked to its container
  std::uint32_t unused_for = 0;  // nothing that was used in the last so many builds of the ranking
  bool exact = false;            // not a granule more than wanted, though a call could take more at the same cost
};

// Evicts and books the outcome; rebuilds the ranking when it is empty. `pagemap` must be open and usable by the
// calling thread.
EvictOutcome evict_batch(Engine& engine, Pagemap& pagemap, const BatchOrder& order);

// Builds the ranking anew and books the refaults that shows. 0 or an errno. The reclaimer thread's.
int rank_anew(Engine& engine, Pagemap& pagemap);

// Judges what was read ahead of streams of refaults, looks what lies ahead of them, and books it. The
// reclaimer thread's.
void read_ahead(Engine& engine);
// The same where no sample tells of faults: whoever is poked next asks (RefaultFronts::ask).
void follow_fronts(Engine& engine);

// Purges, and books what it gave back.
void purge_and_book(Engine& engine, const StatmFile* statm);

}  // namespace weir
