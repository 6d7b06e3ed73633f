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

// Finds or makes it: what it is to be, the first of its rules that has options says. Takes the
// registry's file lock, bounded.
ContainerResult make_container_of(Process& p, const RuleContainer& wanted);

}  // namespace weir
