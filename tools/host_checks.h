// host_checks.h - what `weir doctor` looks at outside of weir itself: the kernel, swap, perf, pagemap.
#pragma once

#include <string>
#include <vector>

namespace weir {

enum class State { kOk, kDegraded, kMissing };

struct Check {
  std::string name;
  State state = State::kOk;
  std::string detail;
  std::string lost = {};  // what is lost without it
  std::string mend = {};  // the one command, or what else helps
  bool vital = false;     // without it limits cannot be held at all
};

// Everything but the library and the registry.
std::vector<Check> check_host();

}  // namespace weir
