// events.h - what happened, kept in a ring in the registry so that it survives who it happened to.
//
// Writing is lock-free and safe in signal handlers: a place is taken by a counter, filled, and
// closed with its sequence number. A reader takes only whole events and says how many it
// missed. A writer killed half-way leaves one unreadable place.
#pragma once

#include <string_view>

#include "core/registry.h"

namespace weir {

// An event by value, as readers get it.
struct Event {
  std::uint64_t number = 0;
  std::uint64_t wall_ns = 0;
  EventKind kind = EventKind::kNone;
  ContainerId container;
  std::uint32_t pid = 0;
  std::uint64_t value[2] = {};
  char container_name[64] = {};
  char text[128] = {};
};

struct EventNote {
  EventKind kind = EventKind::kNone;
  ContainerId container;
  std::uint32_t pid = 0;
  std::uint64_t value[2] = {};
  std::string_view text;
};

void post_event(Os& os, const RegistryView& view, const EventNote& note);

// Whether one of the last 256 says the same of that container. Many execs with one bad option would else push out of
// the ring what somebody wants to know.
bool was_posted_of_late(const RegistryView& view, const EventNote& note);

// What to do about an event near the end of the ring that is not whole: it is being written, or
// its writer was killed.
enum class Unfinished { kPassOver, kWait };

// Reads events from number `next` on. False when there is none yet; `missed` counts those
// overwritten or torn since.
bool read_event(const RegistryView& view, std::uint64_t& next, Event& out, std::uint64_t& missed,
                Unfinished unfinished = Unfinished::kPassOver);
// The number of the oldest event that may still be there.
std::uint64_t oldest_event(const RegistryView& view);

}  // namespace weir
