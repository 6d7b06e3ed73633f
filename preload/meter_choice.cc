// meter_choice.cc - perf where it may be had, the fallback where not; told whenever it changes.
#include "preload/meter_choice.h"

#include <errno.h>

#include "core/events.h"
#include "core/text.h"
#include "preload/log.h"
#include "preload/process.h"
#include "reclaim/fault_meter.h"
#include "reclaim/growth_watch.h"

namespace weir {
namespace {

constinit FaultMeter meter;

// A debugger would stop the program at every sample.
void step_aside_for_debugger(Process& p) {
  if (meter.is_open() && is_traced(p.engine.os)) {
    meter.close(p.engine.os);
    set_meter(p, Meter::kFallback, "fallback: a debugger is attached");
  }
}

}  // namespace

void set_meter(Process& p, Meter kind, std::string_view why) {
  p.engine.record().meter.store(static_cast<std::uint32_t>(kind), std::memory_order_relaxed);
  post_event(p.engine.os, p.engine.view,
             {EventKind::kMeter, p.engine.account.container(), p.pid.load(std::memory_order_relaxed), {}, why});
  if (is_logged(LogLevel::kInfo)) {
    TextBuffer<128> line;
    line.add("fault meter: ").add(why);
    log_line(LogLevel::kInfo, line.view());
  }
}

void choose_meter(Process& p) {
  Os& os = p.engine.os;
  if (p.options.fallback_meter) {
    set_meter(p, Meter::kFallback, "fallback: asked for by WEIR_METER");
  } else if (!kernel_is_at_least(6, 1)) {
    set_meter(p, Meter::kFallback, "fallback: before Linux 6.1 a blocked SIGTRAP kills");
  } else if (is_traced(os)) {
    set_meter(p, Meter::kFallback, "fallback: a debugger would stop at every sample");
  } else if (const int error = meter.open(os); error != 0) {
    set_meter(p, Meter::kFallback,
              error == EACCES || error == EPERM ? "fallback: perf_event_open is refused (perf_event_paranoid)"
                                                : "fallback: perf_event_open failed");
  } else {
    set_meter(p, Meter::kPerf, "perf");
  }
}

void adjust_meter(Process& p, const Standing& standing) {
  step_aside_for_debugger(p);
  if (meter.is_open()) {
    meter.set_fine(p.engine.os, FaultMeter::is_near(standing));
  }
}

void close_meter(Process& p) {
  meter.close(p.engine.os);
}

void forget_meter() {
  meter.forget();
}

bool meter_is_fine() {
  return meter.is_fine();
}

}  // namespace weir
