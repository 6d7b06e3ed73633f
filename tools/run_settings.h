// run_settings.h - what a run is to have: the WEIR_* variables of the environment, and over them
// what the command line says.
//
// Both go through the one table of core/options.h, so a value means the same wherever it is
// written; here every bad one is refused (exit 2) under the name it was written under.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/options.h"
#include "tools/change.h"

namespace weir {

class RunSettings {
 public:
  // `flag` as the user knows it, `variable` as the program will find it. Refuses a bad value.
  void set(const std::string& flag, const std::string& variable, const std::string& value);
  [[nodiscard]] bool given(const std::string& variable) const {
    return given_.contains(variable);
  }
  // True when a value shapes a container: its marks or its policies.
  [[nodiscard]] bool shapes_container() const;
  // The environment was written for another container: its name and shape do not count here.
  void forget_inherited_shape();
  // The values in force. Borrows from this object and from the environment. Refuses any bad
  // value, and marks that clash.
  [[nodiscard]] Options read() const;
  // What the command line asks of a container that is there already.
  [[nodiscard]] Change change() const;
  // Writes the values into this process' environment, for the command to inherit.
  void store() const;

  // "--high '20M'" or "WEIR_HIGH_WATERMARK '20M'", as it was written.
  [[nodiscard]] std::string written(const char* variable) const;

 private:
  struct Given {
    std::string flag;
    std::string value;
  };
  [[nodiscard]] const char* lookup(const char* variable) const;
  // The flag a value came by, else the variable.
  [[nodiscard]] std::string name_of(const std::string& variable) const;
  void check_marks(const Options& options) const;

  std::map<std::string, Given> given_;
  bool inherited_shape_counts_ = true;
};

}  // namespace weir
