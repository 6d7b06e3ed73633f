// change.cc - planning marks, and applying them where members sleep.
#include "tools/change.h"

#include <climits>

#include "core/events.h"
#include "core/usage.h"
#include "core/wake.h"
#include "tools/human.h"
#include "tools/say.h"

namespace weir {
namespace {

Marks default_marks(Pages limit) {
  Options options;
  options.limit = limit;
  return marks_of(options);
}

Pages default_low(Pages limit, Pages high) {
  Options options;
  options.limit = limit;
  options.high_watermark = {false, high.bytes()};
  return high.unlimited() ? Pages::all() : marks_of(options).low;
}

Pages resolve(const WantedMark& wanted, Pages limit, std::string_view container) {
  if (wanted.mark.is_percent && !wanted.none && limit.unlimited()) {
    refuse(wanted.name + " '" + std::to_string(wanted.mark.value) + "%' is a share of a limit, and " +
           shown(container) + " has none");
  }
  return wanted.against(limit);
}

// A mark in a clash: its name, its value, and whether it is a new one.
struct Side {
  std::string name;
  Pages value;
  bool is_new;

  [[nodiscard]] std::string text() const {
    return name + " " + human_size(value) + (is_new ? "" : " (as it stands)");
  }
};

void check_pair(const Side& lower, const Side& upper, std::string_view container) {
  if (lower.value > upper.value) {
    refuse(lower.text() + " is above " + upper.text() + " of " + shown(container) + ": nothing was changed (EINVAL)");
  }
}

}  // namespace

Marks planned_marks(const ContainerRecord& record, const Change& change, Defaults defaults,
                    std::string_view container) {
  if (!change.touches_marks()) {
    return marks_of(record);
  }
  // Marks that move by themselves start anew from the defaults of a new limit.
  const bool adaptive = record.adaptive.load(std::memory_order_relaxed) != 0;
  const Marks now = adaptive ? default_marks(marks_of(record).limit) : marks_of(record);
  defaults = adaptive ? Defaults::kFollow : defaults;
  Marks marks = now;
  marks.limit = change.limit.value_or(now.limit);
  const Marks defaults_now = default_marks(now.limit);
  const bool follow = defaults == Defaults::kFollow;
  if (change.high) {
    marks.high = resolve(*change.high, marks.limit, container);
  } else if (change.limit && (now.high.unlimited() || (follow && now.high == defaults_now.high))) {
    marks.high = default_marks(marks.limit).high;
  }
  if (change.low) {
    marks.low = resolve(*change.low, marks.limit, container);
  } else if (now.low.unlimited() || (follow && now.low == default_low(now.limit, now.high))) {
    marks.low = default_low(marks.limit, marks.high);
  }
  const Side limit{change.limit_name, marks.limit, change.limit.has_value()};
  const Side high{change.high ? change.high->name : "high_watermark", marks.high, change.high.has_value()};
  const Side low{change.low ? change.low->name : "low_watermark", marks.low, change.low.has_value()};
  check_pair(high, limit, container);
  check_pair(low, limit, container);
  check_pair(low, high, container);
  return marks;
}

void apply_change(Os& os, RegistryView& view, ContainerId id, const Change& change, const Marks& marks,
                  std::string_view described) {
  ContainerRecord& record = view.container(id);
  if (change.oom) {
    record.oom_pause_seconds.store(change.oom->pause_seconds, std::memory_order_relaxed);
    record.oom_policy.store(static_cast<std::uint32_t>(change.oom->policy), std::memory_order_relaxed);
  }
  if (change.background) {
    record.background.store(*change.background ? 1 : 0, std::memory_order_relaxed);
  }
  if (change.load_control) {
    record.load_control.store(*change.load_control ? 1 : 0, std::memory_order_relaxed);
  }
  if (change.proactive) {
    record.proactive.store(*change.proactive, std::memory_order_relaxed);
  }
  if (change.thrash) {
    set_thrash(record, *change.thrash);
  }
  if (change.swap_limit) {
    record.swap_limit.store(change.swap_limit->count, std::memory_order_relaxed);
  }
  if (change.minimum) {
    record.minimum.store(change.minimum->count, std::memory_order_relaxed);
  }
  const Marks before = marks_of(record);
  if (change.limit && !change.high && !change.low && before.high.unlimited() && before.low.unlimited()) {
    record.adaptive.store(marks.limit.unlimited() ? 0 : 1, std::memory_order_relaxed);
  }
  if (change.high || change.low) {
    record.adaptive.store(0, std::memory_order_relaxed);
  }
  // Last, for it raises the generation by which members notice; planned_marks() saw to the order.
  static_cast<void>(set_marks(record, marks));
  const auto bytes = [](Pages pages) { return pages.unlimited() ? 0 : pages.bytes(); };
  post_event(
      os, view,
      {EventKind::kSet, id, static_cast<std::uint32_t>(os.pid()), {bytes(marks.limit), bytes(marks.high)}, described});
  wake_reclaimers_below(os, view, id);
}

}  // namespace weir
