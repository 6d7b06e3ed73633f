// mapping_owners.cc - marking mappings in the map of owners.
#include "preload/mapping_owners.h"

#include "preload/process.h"
#include "preload/thread_groups.h"

namespace weir {

void own_mapping(void* address, std::size_t bytes) {
  Process& p = process();
  if (!p.engine.groups.any()) {
    return;
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  if (p.engine.groups.has(current_group())) {
    p.engine.groups.owners().set(p.engine.os, {begin, begin + bytes}, p.engine.groups.owner_mark(current_group()));
  } else {
    p.engine.groups.owners().clear({begin, begin + bytes});
  }
}

void disown_mapping(void* address, std::size_t bytes) {
  Process& p = process();
  if (p.engine.groups.any()) {
    const auto begin = reinterpret_cast<std::uintptr_t>(address);
    p.engine.groups.owners().clear({begin, begin + bytes});
  }
}

}  // namespace weir
