// attach.h - from the environment to a place in the books.
#pragma once

#include "core/registry.h"
#include "preload/process.h"

namespace weir {

// Reads the options, opens the registry, finds or makes the container, takes a place.
// False: the program goes on without weir; why is told where WEIR_LOG wants it.
bool attach_process(Process& p);
// A place for the calling process in that container.
bool attach_member(Process& p, ContainerId container);

}  // namespace weir
