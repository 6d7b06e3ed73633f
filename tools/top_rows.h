// top_rows.h - what `weir top` shows: a row a container, its rates, and the order of the rows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/session.h"

namespace weir {

// A container at one look. Rates are per second since the look before; none at the first.
struct TopRow {
  std::string name;
  Pages usage;
  Pages limit;
  Pages swap;
  std::uint32_t members = 0;
  std::optional<double> failures;
  std::optional<double> evicted;  // bytes
  std::optional<double> refaults;

  // Usage as a share of the limit; none without a limit.
  [[nodiscard]] std::optional<double> share() const;
};

// Looks at all containers, again and again.
class TopLooks {
 public:
  // Rows by name, after a fresh look at /proc.
  std::vector<TopRow> look(Session& session);

 private:
  // By name: the place of a container that was removed may be another's at the next look.
  std::map<std::string, ContainerStats> before_;
  std::uint64_t before_ns_ = 0;
};

struct TopColumn {
  const char* title;
  std::string (*text)(const TopRow& row);
  double (*weight)(const TopRow& row);  // the heaviest come first; equals stand by name
};
std::span<const TopColumn> top_columns();
inline constexpr std::size_t kTopByUsage = 1;

void sort_rows(std::vector<TopRow>& rows, std::size_t column);

// The title line, then a line a row. Names longer than `widest_name` keep their end.
std::vector<std::string> top_lines(const std::vector<TopRow>& rows, std::size_t widest_name);

}  // namespace weir
