// still.h - a copy of the registry in which nobody writes, so that what is printed adds up.
#pragma once

#include <memory>

#include "core/registry.h"

namespace weir {

class StillRegistry {
 public:
  // Each word is read once and whole. Between two of them members may go on, as they may before and after.
  explicit StillRegistry(const RegistryView& live);
  [[nodiscard]] RegistryView& view() {
    return view_;
  }

 private:
  std::unique_ptr<Registry> copy_;
  RegistryView view_;
};

}  // namespace weir
