// event_words.h - what the two numbers of an event stand for.
#pragma once

#include <string_view>

#include "core/layout.h"

namespace weir {

// Empty: the number says nothing and is 0. Sizes are in bytes.
struct EventNumberNames {
  std::string_view name[2];
};

EventNumberNames number_names(EventKind kind);

}  // namespace weir
