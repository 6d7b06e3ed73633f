// format_prometheus.cc - statistics as Prometheus' text exposition.
#include "core/format.h"

namespace weir {
namespace {

constexpr std::string_view kShortUnit = "_us";

// Prometheus' base units, spelled out, as its own linter asks: a key that ends in _us is told in seconds.
void prometheus_name(Text& text, const StatRow& row) {
  std::string_view key = row.key;
  std::string_view unit = "";
  if (row.unit == StatRow::Unit::kBytes) {
    unit = "_bytes";
  } else if (row.unit == StatRow::Unit::kMicroseconds) {
    key.remove_suffix(key.ends_with(kShortUnit) ? kShortUnit.size() : 0);
    unit = "_seconds";
  }
  text.add("weir_").add(key).add(unit).add(row.monotone ? "_total" : "");
}

void add_seconds(Text& text, std::uint64_t microseconds) {
  text.add_number(microseconds / 1'000'000).add_char('.');
  for (std::uint64_t digit = 100'000; digit > 0; digit /= 10) {
    text.add_number(microseconds / digit % 10);
  }
}

void add_value(Text& text, const StatRow& row, std::uint64_t raw) {
  if (is_unlimited(row, raw)) {
    text.add("+Inf");
  } else if (row.unit == StatRow::Unit::kMicroseconds) {
    add_seconds(text, in_unit(row, raw));
  } else {
    text.add_number(in_unit(row, raw));
  }
}

// A dump may be written on an alternate stack of 8 KiB: the pieces of these are not to lie there all at once.
[[gnu::noinline]] void prometheus_sample(Sink& out, const StatRow& row, const ContainerStats& stats) {
  Piece piece(out);
  prometheus_name(*piece.operator->(), row);
  piece->add("{container=");
  piece.quoted(stats.name);
  piece->add("} ");
  add_value(*piece.operator->(), row, row.get(stats));
  piece->add_char('\n');
}

[[gnu::noinline]] void prometheus_header(Sink& out, std::string_view name, std::string_view type,
                                         std::string_view help) {
  Piece piece(out);
  piece->add("# HELP ").add(name).add_char(' ').add(help).add("\n# TYPE ").add(name).add_char(' ').add(type);
  piece->add_char('\n');
}

[[gnu::noinline]] void prometheus_stayed(const ContainerStats* stats, std::size_t count, Sink& out) {
  prometheus_header(out, "weir_evict_stayed_bytes_total", "counter", "memory that was asked to leave and stayed");
  for (std::size_t c = 0; c < count; ++c) {
    for (std::uint32_t i = 0; i < kStayReasons; ++i) {
      Piece piece(out);
      piece->add("weir_evict_stayed_bytes_total{container=");
      piece.quoted(stats[c].name);
      piece->add(",reason=\"").add(to_string(static_cast<StayReason>(i))).add("\"} ");
      piece->add_number(stats[c].evict_stayed[i].bytes()).add_char('\n');
    }
  }
}

void prometheus_pressure(const ContainerStats* stats, std::size_t count, Sink& out, const char* kind,
                         Pressure ContainerStats::*field) {
  TextBuffer<64> total;
  total.add("weir_pressure_").add(kind).add("_seconds_total");
  prometheus_header(out, total.view(), "counter", "time in which work stood still for memory");
  for (std::size_t c = 0; c < count; ++c) {
    Piece piece(out);
    piece->add(total.view()).add("{container=");
    piece.quoted(stats[c].name);
    piece->add("} ");
    add_seconds(*piece.operator->(), (stats[c].*field).total_us);
    piece->add_char('\n');
  }
  TextBuffer<64> average;
  average.add("weir_pressure_").add(kind).add("_percent");
  prometheus_header(out, average.view(), "gauge", "share of the time, averaged");
  for (std::size_t c = 0; c < count; ++c) {
    for (std::size_t i = 0; i < kPressureWindows; ++i) {
      Piece piece(out);
      piece->add(average.view()).add("{container=");
      piece.quoted(stats[c].name);
      piece->add(",window=\"").add(pressure_window_name(i)).add("\"} ");
      add_percent(*piece.operator->(), (stats[c].*field).avg[i]);
      piece->add_char('\n');
    }
  }
}

// `key`: the name of the gauge.
[[gnu::noinline]] void prometheus_members(const RegistryView& view, const ContainerId* ids, const ContainerStats* stats,
                                          std::size_t count, Sink& out, std::string_view key,
                                          Pages MemberStats::*field) {
  for (std::size_t c = 0; c < count; ++c) {
    const Subtree subtree = Subtree::below(view, ids[c]);
    MemberStats member;
    for (std::uint32_t cursor = 0; next_member(view, subtree, cursor, member);) {
      Piece piece(out);
      piece->add(key).add("{container=");
      piece.quoted(stats[c].name);
      piece->add(",pid=\"").add_number(member.pid).add("\",comm=");
      piece.quoted(member.comm);
      if (member.is_group) {
        piece->add(",group=");
        piece.quoted(member.group);
      }
      piece->add("} ").add_number((member.*field).bytes()).add_char('\n');
    }
  }
}

}  // namespace

void format_prometheus_families(const RegistryView& view, const ContainerId* ids, const ContainerStats* stats,
                                std::size_t count, Sink& out) {
  std::size_t row_count = 0;
  const StatRow* rows = stat_rows(&row_count);
  for (std::size_t i = 0; i < row_count; ++i) {
    TextBuffer<96> name;
    prometheus_name(name, rows[i]);
    prometheus_header(out, name.view(), rows[i].monotone ? "counter" : "gauge", rows[i].help);
    for (std::size_t c = 0; c < count; ++c) {
      prometheus_sample(out, rows[i], stats[c]);
    }
  }
  prometheus_stayed(stats, count, out);
  prometheus_pressure(stats, count, out, "some", &ContainerStats::some);
  prometheus_pressure(stats, count, out, "full", &ContainerStats::full);
  const auto of_members = [&](std::string_view key, Pages MemberStats::*field) {
    prometheus_header(out, key, "gauge", "of one member process");
    prometheus_members(view, ids, stats, count, out, key, field);
  };
  of_members("weir_member_usage_bytes", &MemberStats::usage);
  of_members("weir_member_swap_usage_bytes", &MemberStats::swap_usage);
}

}  // namespace weir
