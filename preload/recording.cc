// recording.cc - the reclaimer holds the file; the thread that ends the program only asks.
#include "preload/recording.h"

#include <algorithm>

#include "core/events.h"
#include "core/text.h"
#include "preload/log.h"

namespace weir {
namespace {

constinit std::atomic<bool> finish_wanted{false};
constinit FutexWord finished{0};
constinit bool end_told = false;

void tell(Process& p, LogLevel level, std::string_view text) {
  post_event(p.engine.os, p.engine.view,
             {EventKind::kRecording, p.engine.account.container(), p.pid.load(std::memory_order_relaxed), {}, text});
  log_line(level, text);
}

void tell_of_early_end(Process& p) {
  const Recorder& recorder = p.engine.recorder;
  if (end_told || (!recorder.met_bound() && recorder.write_error() == 0)) {
    return;
  }
  end_told = true;
  if (recorder.met_bound()) {
    tell(p, LogLevel::kWarn, "the recording has reached 64 MiB and ends here");
    return;
  }
  TextBuffer<128> line;
  line.add("the recording ends here, it cannot be written: errno ");
  line.add_number(static_cast<std::uint64_t>(recorder.write_error()));
  tell(p, LogLevel::kWarn, line.view());
}

void end_now(Process& p) {
  p.engine.recorder.end();
  tell_of_early_end(p);
  finished.store(1, std::memory_order_release);
  static_cast<void>(p.engine.os.futex_wake(finished, 1));
}

}  // namespace

bool recording_is_wanted(const Process& p) {
  return !p.options.record_file.empty();
}

void begin_recording(Process& p) {
  if (!recording_is_wanted(p)) {
    return;
  }
  if (const int error = p.engine.recorder.open(p.engine, p.options.record_file); error != 0) {
    TextBuffer<192> line;
    line.add("cannot record to ").add(p.options.record_file.substr(0, 90)).add(".PID: errno ");
    line.add_number(static_cast<std::uint64_t>(error));
    tell(p, LogLevel::kWarn, line.view());
  }
}

void take_recording_turn(Process& p, const LookResult& result, std::int64_t& sleep_ns) {
  Recorder& recorder = p.engine.recorder;
  record_turn(p.engine, result);
  if (finish_wanted.load(std::memory_order_acquire)) {
    end_now(p);
  }
  tell_of_early_end(p);
  if (recorder.is_on()) {
    sleep_ns = sleep_ns < 0 ? kRecordingTurnNs : std::min(sleep_ns, kRecordingTurnNs);
  }
}

void finish_recording(Process& p) {
  constexpr std::int64_t kMostWaitNs = 500'000'000;
  Engine& engine = p.engine;
  if (!engine.recorder.is_on() || !engine.reclaimer_runs.load(std::memory_order_acquire)) {
    return;
  }
  if (engine.record().reclaimer_tid.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(engine.os.tid())) {
    end_now(p);
    return;
  }
  finish_wanted.store(true, std::memory_order_release);
  const std::uint64_t until = engine.os.now_ns() + static_cast<std::uint64_t>(kMostWaitNs);
  while (finished.load(std::memory_order_acquire) == 0 && engine.os.now_ns() < until) {
    engine.record().wake.fetch_add(1, std::memory_order_release);
    static_cast<void>(engine.os.futex_wake(engine.record().wake, 1));
    static_cast<void>(engine.os.futex_wait(finished, 0, kRecordingTurnNs));
  }
}

void forget_recording(Process& p) {
  finish_wanted.store(false, std::memory_order_relaxed);
  finished.store(0, std::memory_order_relaxed);
  end_told = false;
  p.engine.recorder.forget(p.engine);
}

}  // namespace weir
