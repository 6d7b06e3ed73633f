// human.cc - cutting sizes short and setting tables.
#include "tools/human.h"

#include <algorithm>
#include <string_view>

namespace weir {

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::string_view kUnits = "BKMGTPE";
  std::size_t unit = 0;
  std::uint64_t below = 0;  // the part lost by the last step, of 1024
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    below = bytes % 1024;
    bytes /= 1024;
    ++unit;
  }
  std::string out = std::to_string(bytes);
  if (const std::uint64_t tenth = below * 10 / 1024; tenth != 0) {
    out += "." + std::to_string(tenth);
  }
  return unit == 0 ? out : out + kUnits[unit];
}

std::string human_size(Pages pages) {
  return pages.unlimited() ? "max" : human_bytes(pages.bytes());
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      out += i == 0 ? row[i] + padding : "  " + padding + row[i];
    }
    out += '\n';
  }
  return out;
}

}  // namespace weir
