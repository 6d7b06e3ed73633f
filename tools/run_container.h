// run_container.h - the container of a run: found or made before the command starts, and
// looked at once more when it has ended.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tools/change.h"
#include "tools/run_settings.h"
#include "tools/session.h"

namespace weir {

class RunContainer {
 public:
  RunContainer(Session& session, RunSettings& settings) : session_(session), settings_(settings) {}

  // Opens the registry; finds or makes the container if it has a name by now, and applies to
  // one that was there what the command line asks. Refuses (exit 2) what is wrong with the
  // request; where weir itself has trouble, says so. False: the command runs without limits.
  [[nodiscard]] bool prepare();
  // Some limit holds for the command: its container's own, or one above.
  [[nodiscard]] bool has_limit();
  // The command never ran: what was made for it goes.
  void withdraw();
  // Says on stderr which processes were killed in the container since prepare().
  void report_kills(pid_t command);

 private:
  void settle_name();
  [[nodiscard]] bool make(const Options& options);
  struct PlannedChange {
    ContainerId id;
    Change change;
    Marks marks;
  };

  void change_existing(ContainerId id);
  // Adds a change if there is one. Refuses (exit 2) what breaks an invariant.
  void plan(ContainerId id, const Change& change, const std::string& name, std::vector<PlannedChange>& plans);
  // What rules give the containers of theirs that an earlier run left.
  void plan_rules(const GroupRules& rules, std::vector<PlannedChange>& plans);

  Session& session_;
  RunSettings& settings_;
  std::string name_;  // empty: the library will name it pid-<pid> itself
  ContainerId id_;
  bool created_ = false;
  bool named_ = true;
  std::uint64_t first_event_ = 0;
};

}  // namespace weir
