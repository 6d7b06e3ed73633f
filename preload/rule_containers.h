// rule_containers.h - containers that rules name, below one that is there.
#pragma once

#include "core/group_rules.h"
#include "core/registry.h"

namespace weir {

struct Process;

struct RuleContainer {
  const GroupRules& rules;
  const GroupRule& rule;
  ContainerId parent;
  bool load_control = false;
  ThrashChoice thrash{};
};

// Tells that there is no place for what a rule of `variable` names, in the events and the log.
void tell_no_place(Process& p, std::string_view variable, const GroupRule& rule);

// Finds or makes it: what it is to be, the first of its rules that has options says. Takes the
// registry's file lock, bounded.
ContainerResult make_container_of(Process& p, const RuleContainer& wanted);

}  // namespace weir
