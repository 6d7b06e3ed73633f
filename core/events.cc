// events.cc - the ring: writers take numbered places, readers check them before and after.
#include "core/events.h"

#include <algorithm>
#include <cstring>

namespace weir {
namespace {

// What stands at the end of a text that did not fit.
constexpr std::string_view kCutOff = "...";

void copy_text(char* out, std::size_t capacity, std::string_view text) {
  const std::size_t bytes = std::min(text.size(), capacity - 1);
  std::memcpy(out, text.data(), bytes);
  out[bytes] = '\0';
}

// Of a text that is too long the beginning, and that it is one.
void copy_marked(char* out, std::size_t capacity, std::string_view text) {
  copy_text(out, capacity, text);
  if (text.size() >= capacity) {
    std::memcpy(out + capacity - 1 - kCutOff.size(), kCutOff.data(), kCutOff.size());
  }
}

// The end of the name, which says more than its beginning when it is a deep one.
std::string_view name_tail(const ContainerRecord& record, std::size_t most) {
  const std::string_view name(record.name, strnlen(record.name, kMaxNameBytes));
  return name.size() <= most ? name : name.substr(name.size() - most);
}

// Between the sequence number and what it guards. x86 keeps the order of stores, and that of
// loads; the compiler must keep it too. (A thread fence would do the same, but ThreadSanitizer
// knows none.)
void keep_order() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

constexpr std::uint64_t kWriting = std::uint64_t{1} << 63;

// Who was stopped while it wrote is overtaken by a whole ring of others on a busy machine: two in one place would
// tear it. The later waits for the earlier, a tenth of a second at most, for that one may be dead. False: what was
// to be written there has been overwritten already.
bool claim(Os& os, EventRecord& record, std::uint64_t number) {
  constexpr int kMostTurns = 100;
  constexpr std::int64_t kTurnNs = 1'000'000;
  std::uint64_t seen = record.sequence.load(std::memory_order_acquire);
  for (int turn = 0; (seen & ~kWriting) <= number;) {
    if ((seen & kWriting) != 0 && turn++ < kMostTurns) {
      FutexWord never{0};
      static_cast<void>(os.futex_wait(never, 0, kTurnNs));
      seen = record.sequence.load(std::memory_order_acquire);
    } else if (record.sequence.compare_exchange_strong(seen, kWriting | (number + 1), std::memory_order_acq_rel)) {
      return true;
    }
  }
  return false;
}

}  // namespace

void post_event(Os& os, const RegistryView& view, const EventNote& note) {
  Registry& registry = view.raw();
  const std::uint64_t number = registry.header.next_event.fetch_add(1, std::memory_order_acq_rel);
  EventRecord& record = registry.events[number % kMaxEvents];
  if (!claim(os, record, number)) {
    return;
  }
  keep_order();
  record.wall_ns.store(os.wall_ns(), std::memory_order_relaxed);
  record.value[0].store(note.value[0], std::memory_order_relaxed);
  record.value[1].store(note.value[1], std::memory_order_relaxed);
  record.kind.store(static_cast<std::uint32_t>(note.kind), std::memory_order_relaxed);
  record.container.store(note.container.index, std::memory_order_relaxed);
  record.pid.store(note.pid, std::memory_order_relaxed);
  copy_text(record.container_name, sizeof(record.container_name),
            name_tail(view.container(note.container), sizeof(record.container_name) - 1));
  copy_marked(record.text, sizeof(record.text), note.text);
  std::uint64_t mine = kWriting | (number + 1);
  record.sequence.compare_exchange_strong(mine, number + 1, std::memory_order_release);
}

bool read_event(const RegistryView& view, std::uint64_t& next, Event& out, std::uint64_t& missed,
                Unfinished unfinished) {
  constexpr std::uint64_t kMostWriters = 64;  // further back nobody is still at it
  const Registry& registry = view.raw();
  const std::uint64_t end = registry.header.next_event.load(std::memory_order_acquire);
  if (end > kMaxEvents && next < end - kMaxEvents) {
    missed += end - kMaxEvents - next;
    next = end - kMaxEvents;
  }
  for (; next < end; ++next, ++missed) {
    const EventRecord& record = registry.events[next % kMaxEvents];
    if (record.sequence.load(std::memory_order_acquire) != next + 1) {
      if (unfinished == Unfinished::kWait && end - next <= kMostWriters) {
        return false;
      }
      continue;
    }
    out.number = next;
    out.wall_ns = record.wall_ns.load(std::memory_order_relaxed);
    out.value[0] = record.value[0].load(std::memory_order_relaxed);
    out.value[1] = record.value[1].load(std::memory_order_relaxed);
    out.kind = static_cast<EventKind>(record.kind.load(std::memory_order_relaxed));
    out.container = ContainerId{record.container.load(std::memory_order_relaxed) % kMaxContainers};
    out.pid = record.pid.load(std::memory_order_relaxed);
    copy_text(out.container_name, sizeof(out.container_name), {record.container_name, 63});
    copy_text(out.text, sizeof(out.text), {record.text, sizeof(record.text) - 1});
    keep_order();
    if (record.sequence.load(std::memory_order_relaxed) == next + 1) {
      ++next;
      return true;
    }
  }
  return false;
}

bool was_posted_of_late(const RegistryView& view, const EventNote& note) {
  constexpr std::uint64_t kLately = 256;
  const Registry& registry = view.raw();
  char kept[sizeof(EventRecord::text)];
  copy_marked(kept, sizeof(kept), note.text);
  const std::string_view wanted(kept);
  const std::uint64_t end = registry.header.next_event.load(std::memory_order_acquire);
  for (std::uint64_t number = end > kLately ? end - kLately : 0; number < end; ++number) {
    const EventRecord& record = registry.events[number % kMaxEvents];
    const std::string_view text(record.text, strnlen(record.text, sizeof(record.text)));
    if (record.kind.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(note.kind) &&
        record.container.load(std::memory_order_relaxed) == note.container.index && text == wanted) {
      return true;
    }
  }
  return false;
}

std::uint64_t oldest_event(const RegistryView& view) {
  const std::uint64_t end = view.raw().header.next_event.load(std::memory_order_acquire);
  return end > kMaxEvents ? end - kMaxEvents : 0;
}

const char* to_string(StayReason reason) {
  switch (reason) {
    case StayReason::kShared:
      return "shared";
    case StayReason::kLocked:
      return "locked";
    case StayReason::kHuge:
      return "huge";
    case StayReason::kNoSwap:
      return "no_swap";
    case StayReason::kBusy:
      return "busy";
    case StayReason::kSwapLimit:
      return "swap_limit";
  }
  return "unknown";
}

const char* to_string(Meter meter) {
  switch (meter) {
    case Meter::kOff:
      return "off";
    case Meter::kPerf:
      return "perf";
    case Meter::kFallback:
      return "fallback";
  }
  return "unknown";
}

}  // namespace weir
