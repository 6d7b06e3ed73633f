// human.h - sizes and tables as people read them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/units.h"

namespace weir {

// "16M", "14.5M", "0", or "max" for no limit. Cut off, not rounded, to one decimal.
std::string human_size(Pages pages);
std::string human_bytes(std::uint64_t bytes);

// Columns as wide as their widest cell; the first is set to the left, the others to the right.
class Table {
 public:
  void add_row(std::vector<std::string> cells) {
    rows_.push_back(std::move(cells));
  }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace weir
