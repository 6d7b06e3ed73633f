// watched.h - a container that is looked at again and again, by name, for as long as there is one.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "tools/session.h"

namespace weir {

class Watched {
 public:
  Watched(Session& session, std::string name) : session_(session), name_(std::move(name)) {}

  // False: it is gone. Sought by name each time, for its place may be another's by now. Now and
  // then with a look into /proc: members far from their marks do not keep their entries up to date
  // by themselves, and the dead leave theirs behind.
  [[nodiscard]] bool find(ContainerId& out);

 private:
  Session& session_;
  std::string name_;
  std::chrono::steady_clock::time_point next_look_;
};

}  // namespace weir
