// top_rows.cc - rates between two looks, and the table of columns.
#include "tools/top_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tools/human.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr double kNsPerSecond = 1e9;
// Figures change their length from look to look; columns that move are hard to read.
constexpr std::size_t kLeastWidth = 7;

std::string count_rate(const std::optional<double>& rate) {
  return rate ? std::to_string(std::llround(*rate)) : "-";
}

std::string byte_rate(const std::optional<double>& rate) {
  return rate ? human_bytes(static_cast<std::uint64_t>(*rate)) : "-";
}

std::string percent(const std::optional<double>& share) {
  return share ? std::to_string(std::llround(*share * 100)) + "%" : "-";
}

double bytes_of(Pages pages) {
  return pages.unlimited() ? std::numeric_limits<double>::infinity() : static_cast<double>(pages.bytes());
}

using Row = const TopRow&;

constexpr std::array kColumns = {
    TopColumn{"CONTAINER", [](Row r) { return harmless(r.name); }, [](Row) { return 0.0; }},
    TopColumn{"USAGE", [](Row r) { return human_size(r.usage); }, [](Row r) { return bytes_of(r.usage); }},
    TopColumn{"LIMIT", [](Row r) { return human_size(r.limit); }, [](Row r) { return bytes_of(r.limit); }},
    TopColumn{"USED", [](Row r) { return percent(r.share()); }, [](Row r) { return r.share().value_or(-1); }},
    TopColumn{"SWAP", [](Row r) { return human_size(r.swap); }, [](Row r) { return bytes_of(r.swap); }},
    TopColumn{"FAILCNT/s", [](Row r) { return count_rate(r.failures); }, [](Row r) { return r.failures.value_or(0); }},
    TopColumn{"EVICTED/s", [](Row r) { return byte_rate(r.evicted); }, [](Row r) { return r.evicted.value_or(0); }},
    TopColumn{"REFAULTS/s", [](Row r) { return count_rate(r.refaults); }, [](Row r) { return r.refaults.value_or(0); }},
    TopColumn{"MEMBERS", [](Row r) { return std::to_string(r.members); }, [](Row r) { return double{1} * r.members; }},
};

// A counter that went back belongs to a new container of the same name.
std::optional<double> rate_of(std::uint64_t before, std::uint64_t now, double seconds) {
  if (now < before || seconds <= 0) {
    return std::nullopt;
  }
  return static_cast<double>(now - before) / seconds;
}

TopRow row_of(const ContainerStats& now) {
  TopRow row;
  row.name = now.name;
  row.usage = now.usage;
  row.limit = now.marks.limit;
  row.swap = now.swap_usage;
  row.members = now.members;
  return row;
}

void add_rates(TopRow& row, const ContainerStats& before, const ContainerStats& now, double seconds) {
  row.failures = rate_of(before.failcnt, now.failcnt, seconds);
  row.evicted = rate_of(before.evict_done.bytes(), now.evict_done.bytes(), seconds);
  row.refaults = rate_of(before.refault, now.refault, seconds);
}

std::string shortened(const std::string& name, std::size_t widest) {
  return name.size() <= widest ? name : ".." + name.substr(name.size() - widest + 2);
}

}  // namespace

std::optional<double> TopRow::share() const {
  if (limit.unlimited() || limit.count == 0) {
    return std::nullopt;
  }
  return static_cast<double>(usage.count) / static_cast<double>(limit.count);
}

std::vector<TopRow> TopLooks::look(Session& session) {
  const std::vector<Listed> containers = session.list();
  const std::uint64_t now_ns = session.os().now_ns();
  const double seconds = static_cast<double>(now_ns - before_ns_) / kNsPerSecond;
  std::vector<TopRow> rows;
  std::map<std::string, ContainerStats> seen;
  for (const auto& [id, stats] : containers) {
    rows.push_back(row_of(stats));
    if (const auto before = before_.find(stats.name); before != before_.end()) {
      add_rates(rows.back(), before->second, stats, seconds);
    }
    seen.emplace(stats.name, stats);
  }
  before_ = std::move(seen);
  before_ns_ = now_ns;
  return rows;
}

std::span<const TopColumn> top_columns() {
  return kColumns;
}

void sort_rows(std::vector<TopRow>& rows, std::size_t column) {
  const auto weight = kColumns.at(column).weight;
  std::sort(rows.begin(), rows.end(), [weight](const TopRow& a, const TopRow& b) {
    const double left = weight(a);
    const double right = weight(b);
    return left != right ? left > right : a.name < b.name;
  });
}

std::vector<std::string> top_lines(const std::vector<TopRow>& rows, std::size_t widest_name) {
  Table table;
  std::vector<std::string> cells;
  for (const TopColumn& column : kColumns) {
    const std::string title = column.title;
    cells.push_back(std::string(kLeastWidth - std::min(kLeastWidth, title.size()), ' ') + title);
  }
  table.add_row(cells);
  for (const TopRow& row : rows) {
    cells.clear();
    for (const TopColumn& column : kColumns) {
      cells.push_back(column.text(row));
    }
    cells.front() = shortened(cells.front(), widest_name);
    table.add_row(cells);
  }
  std::vector<std::string> lines;
  const std::string text = table.text();
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    lines.push_back(text.substr(at, end - at));
  }
  return lines;
}

}  // namespace weir
