// registry_guard.h - what becomes of a command when somebody cuts the registry's file short under it.
#pragma once

#include "core/registry.h"

namespace weir {

// Fails (exit 1), or sees a registry that knows of nobody: who supervises a command has to wait for it all the same.
enum class OnLoss { kFail, kGoOn };

// From now on, for the one registry a command has open.
void guard_registry(Registry& registry, OnLoss on_loss);

}  // namespace weir
