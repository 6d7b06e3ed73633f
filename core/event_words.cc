// event_words.cc - one table of all kinds of events: their names, and those of their numbers.
#include "core/event_words.h"

namespace weir {
namespace {

struct KindWords {
  EventKind kind;
  const char* name;
  EventNumberNames numbers;
};

constexpr KindWords kWords[] = {
    {EventKind::kNone, "none", {}},
    {EventKind::kCreated, "created", {{"limit", ""}}},
    {EventKind::kBadOption, "bad_option", {}},
    {EventKind::kMeter, "meter", {}},
    {EventKind::kLimitMet, "limit", {{"usage", "limit"}}},
    {EventKind::kNoSwap, "no_swap", {}},
    {EventKind::kOom, "oom", {{"usage", "limit"}}},
    {EventKind::kOomVictim, "oom_candidate", {{"usage", "swap_usage"}}},
    {EventKind::kOomKill, "oom_kill", {{"score", ""}}},
    {EventKind::kEnomem, "enomem", {{"usage", "asked"}}},
    {EventKind::kSet, "set", {{"limit", "high_watermark"}}},
    {EventKind::kDump, "dump", {}},
    {EventKind::kKill, "kill", {{"killed", ""}}},
    {EventKind::kReclaim, "reclaim", {{"asked", "given_back"}}},
    {EventKind::kMove, "move", {{"moved", ""}}},
    {EventKind::kRecording, "recording", {}},
    {EventKind::kWarned, "warned", {{"grace_ms", ""}}},
    {EventKind::kThrash, "thrash", {{"seconds", ""}}},
    {EventKind::kMute, "mute", {{"usage", ""}}},
};

constexpr KindWords kUnknown = {EventKind::kNone, "unknown", {{"first", "second"}}};

// Of a kind read from a registry that somebody scribbled over, too.
const KindWords& words_of(EventKind kind) {
  for (const KindWords& words : kWords) {
    if (words.kind == kind) {
      return words;
    }
  }
  return kUnknown;
}

}  // namespace

const char* to_string(EventKind kind) {
  return words_of(kind).name;
}

EventNumberNames number_names(EventKind kind) {
  return words_of(kind).numbers;
}

}  // namespace weir
