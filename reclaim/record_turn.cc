// record_turn.cc - what the reclaimer does for a recording after each of its looks.
#include <algorithm>

#include "core/usage.h"
#include "reclaim/background.h"
#include "reclaim/recorder.h"

namespace weir {
namespace {

constexpr std::uint64_t kFlushNs = 100'000'000;
constexpr std::uint64_t kSwapLookNs = 100'000'000;
constexpr std::uint64_t kUseNs = 100'000'000;
constexpr std::uint64_t kMostShare = 20;  // of the time: a twentieth

class Nobody final : public RunVisitor {
 public:
  bool visit(const PageRun&) override {
    return true;
  }
};

// Of the container our marks are of: what is not ours.
Pages others_of(Engine& engine) {
  const Pages mine = engine.view.book(engine.account.member()).load().charge;
  return usage_of(engine.view, engine.account.container()) - mine;
}

// What the policy gathers by itself for the ranking counts as well; this is for when it does not. It clears the same
// accessed bits: where both are at work, the ranking sees what was used since the later of the two.
// By its CPU time: on a loaded machine a pass takes long and costs no more.
void look_at_use(Engine& engine, std::uint64_t now, std::uint64_t& took_ns) {
  if (now - engine.evidence.last_ns() >= std::max(kUseNs, kMostShare * took_ns)) {
    const ReclaimGuard guard(engine.os, engine.evidence_lock, 0);
    if (!guard.held()) {
      return;
    }
    const std::uint64_t cpu = engine.os.thread_cpu_ns();
    static_cast<void>(engine.evidence.pass(engine.os, engine.shared, UseEvidence::For::kListener, engine.interlude));
    took_ns = engine.os.thread_cpu_ns() - cpu;
  }
}

}  // namespace

void record_turn(Engine& engine, const LookResult& result) {
  Recorder& recorder = engine.recorder;
  if (!recorder.is_on()) {
    return;
  }
  const std::uint64_t now = engine.os.now_ns();
  const Pages others = others_of(engine);
  const Marks marks = marks_of(engine.container());
  if (!recorder.has_marks_ || !(marks == recorder.marks_) || others != recorder.others_) {
    recorder.note_marks(marks, others);
  }
  if (now - recorder.looked_ns_ >= std::max<std::uint64_t>(kRecordingTurnNs, kMostShare * recorder.look_took_ns_)) {
    Nobody nobody;
    static_cast<void>(engine.pagemap.scan(engine.os, kWholeAddressSpace, nobody));
    if (now - recorder.swap_looked_ns_ >= kSwapLookNs) {
      recorder.swap_looked_ns_ = now;
      static_cast<void>(engine.pagemap.scan(engine.os, kWholeAddressSpace, nobody, PageKind::kSwapped));
    }
    recorder.looked_ns_ = now;
    recorder.look_took_ns_ = engine.os.now_ns() - now;
    look_at_use(engine, now, recorder.use_took_ns_);
  }
  const std::uint64_t evicted = engine.evicted.load(std::memory_order_relaxed);
  if (result.worked || evicted != recorder.evicted_) {
    const auto flag = [](bool set, std::uint64_t bit) { return set ? bit : 0; };
    recorder.note_look(flag(result.worked, kLookWorked) | flag(result.deferred, kLookDeferred) |
                           flag(result.fruitless, kLookFruitless),
                       Pages{evicted}, Pages{engine.came_back.load(std::memory_order_relaxed)},
                       engine.account.last_reading());
  }
  if (now - recorder.flushed_ns_ >= kFlushNs || recorder.writer_.size() > Recorder::kBufferBytes / 2) {
    recorder.flushed_ns_ = now;
    recorder.flush();
  }
}

}  // namespace weir
