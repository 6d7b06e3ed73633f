// format.cc - statistics as text, JSON and Prometheus exposition, without printf or malloc.
//
// Our own writer, although tools have nlohmann-json: the same lines are written inside
// unmodified programs, where no allocation is allowed, and two writers would drift apart.
// Tests read the result back with nlohmann-json and an exposition parser.
#include "core/proc.h"
#include "core/stats.h"
#include "core/text.h"

namespace weir {
namespace {

using Unit = StatRow::Unit;

// Gathers small pieces so that the sink sees few writes.
class Piece {
 public:
  explicit Piece(Sink& out) : out_(out) {}
  ~Piece() {
    out_.put(text_.view());
  }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;
  Text* operator->() {
    return &text_;
  }
  // A key of the text format, and blanks up to the column of values, one at least.
  Text& key(std::string_view name) {
    constexpr std::size_t kColumn = 22;
    return text_.add(name).add_spaces(name.size() < kColumn ? kColumn - name.size() : 1);
  }
  // A comm may hold any byte: control bytes would be obeyed by a terminal or add lines, and
  // neither JSON nor Prometheus wants bytes that may not be UTF-8.
  Piece& harmless(std::string_view value) {
    for (const char c : value) {
      text_.add_char(static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c);
    }
    return *this;
  }
  // Quoted for JSON, which serves Prometheus' label rules too: both know \" and \\.
  Piece& quoted(std::string_view value) {
    text_.add_char('"');
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text_.add_char('\\');
      }
      harmless({&c, 1});
    }
    text_.add_char('"');
    return *this;
  }

 private:
  Sink& out_;
  TextBuffer<1024> text_;
};

std::uint64_t in_unit(const StatRow& row, std::uint64_t raw) {
  switch (row.unit) {
    case Unit::kBytes:
      return Pages{raw}.bytes();
    case Unit::kMicroseconds:
      return raw / 1000;
    case Unit::kCount:
      return raw;
  }
  return raw;
}

bool is_unlimited(const StatRow& row, std::uint64_t raw) {
  return row.unit == Unit::kBytes && Pages{raw}.unlimited();
}

// 17301504 as "16.5 MiB", beside the exact number in text output.
void add_human(Text& text, std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  std::uint64_t tenths = bytes * 10;
  while (tenths >= 10240 && unit < 4) {
    tenths /= 1024;
    ++unit;
  }
  text.add_number(tenths / 10).add_char('.').add_number(tenths % 10).add_char(' ').add(kUnits[unit]);
}

// Hundredths of a percent as "1.25".
void add_percent(Text& text, std::uint32_t hundredths) {
  text.add_number(hundredths / 100).add_char('.').add_number(hundredths / 10 % 10).add_number(hundredths % 10);
}

// As /proc/pressure/memory has it: "some avg10=0.00 avg60=0.00 avg300=0.00 total=0".
void text_pressure(Sink& out, const char* kind, const Pressure& pressure) {
  Piece piece(out);
  TextBuffer<32> key;
  piece.key(key.add("pressure ").add(kind).view());
  for (std::size_t i = 0; i < kPressureWindows; ++i) {
    piece->add(pressure_window_name(i)).add_char('=');
    add_percent(*piece.operator->(), pressure.avg[i]);
    piece->add_char(' ');
  }
  piece->add("total=").add_number(pressure.total_us).add_char('\n');
}

void text_row(Sink& out, const StatRow& row, std::uint64_t raw) {
  Piece piece(out);
  piece.key(row.key);
  if (is_unlimited(row, raw)) {
    piece->add("max");
  } else {
    piece->add_number(in_unit(row, raw));
    if (row.unit == Unit::kBytes && raw != 0) {
      piece->add("  (");
      add_human(*piece.operator->(), in_unit(row, raw));
      piece->add(")");
    }
  }
  piece->add_char('\n');
}

// The names of a group's threads that live still, each through `name(Piece&, text, first)`.
template <typename Name>
void each_thread_name(const MemberStats& member, Sink& out, Name name) {
  bool first = true;
  for (const std::uint32_t tid : member.tids) {
    char text[kThreadNameBytes];
    if (tid != 0 && read_thread_name(raw_os(), member.pid, tid, text) == 0) {
      Piece piece(out);
      name(piece, text, first);
      first = false;
    }
  }
}

void text_member(Sink& out, const MemberStats& member) {
  {
    Piece piece(out);
    piece->add(member.is_group ? "group  " : "member ").add_padded(member.pid, 8);
    piece->add("  usage ").add_padded(member.usage.bytes(), 12);
    piece->add("  swap ").add_padded(member.swap_usage.bytes(), 12).add("  meter ").add(to_string(member.meter));
    piece->add("  ");
    piece.harmless(member.comm);
  }
  each_thread_name(member, out, [](Piece& piece, const char* text, bool first) {
    piece->add(first ? "  threads " : " ");
    piece.harmless(text);
  });
  out.put("\n");
}

void text_proactive(Sink& out, std::uint32_t target) {
  Piece piece(out);
  Text& text = piece.key("proactive");
  target == 0 ? static_cast<void>(text.add("off")) : add_percent(text, target);
  text.add_char('\n');
}

void add_thrash(Text& text, const ThrashChoice& choice) {
  if (choice.seconds == 0) {
    text.add("off");
    return;
  }
  text.add_number(choice.seconds).add(choice.is_oom ? ":oom" : "");
}

void format_text(const RegistryView& view, ContainerId id, const ContainerStats& stats, Sink& out) {
  {
    Piece piece(out);
    piece.key("container");
    piece.harmless(stats.name)->add_char('\n');
  }
  std::size_t count = 0;
  const StatRow* rows = stat_rows(&count);
  for (std::size_t i = 0; i < count; ++i) {
    text_row(out, rows[i], rows[i].get(stats));
  }
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    TextBuffer<64> key;
    key.add("evict_stayed ").add(to_string(static_cast<StayReason>(i)));
    Piece(out).key(key.view()).add_number(stats.evict_stayed[i].bytes()).add_char('\n');
  }
  text_pressure(out, "some", stats.some);
  text_pressure(out, "full", stats.full);
  Piece(out).key("oom").add(to_string(stats.oom.policy)).add_char('\n');
  Piece(out).key("background").add(stats.background ? "on" : "off").add_char('\n');
  Piece(out).key("watermarks").add(stats.adaptive ? "adaptive" : "fixed").add_char('\n');
  Piece(out).key("load_control").add(stats.load_control ? "on" : "off").add_char('\n');
  text_proactive(out, stats.proactive);
  {
    Piece piece(out);
    add_thrash(piece.key("thrash"), stats.thrash);
    piece->add_char('\n');
  }
  Piece(out).key("meter").add(to_string(stats.meter)).add_char('\n');
  const Subtree subtree = Subtree::below(view, id);
  MemberStats member;
  for (std::uint32_t cursor = 0; next_member(view, subtree, cursor, member);) {
    text_member(out, member);
  }
}

void json_member(Sink& out, const MemberStats& member, bool first) {
  {
    Piece piece(out);
    piece->add(first ? "" : ",").add("{\"pid\":").add_number(member.pid).add(",\"comm\":");
    piece.quoted(member.comm);
    piece->add(",\"usage\":").add_number(member.usage.bytes());
    piece->add(",\"swap_usage\":").add_number(member.swap_usage.bytes());
    piece->add(",\"wakeups\":").add_number(member.wakeups).add(",\"held_us\":").add_number(member.held_ns / 1000);
    piece->add(",\"meter\":\"").add(to_string(member.meter)).add("\"");
    piece->add(member.is_group ? ",\"threads\":[" : "}");
  }
  if (member.is_group) {
    each_thread_name(member, out, [](Piece& piece, const char* text, bool is_first) {
      piece->add(is_first ? "" : ",");
      piece.quoted(text);
    });
    out.put("]}");
  }
}

void json_pressure(Sink& out, const char* kind, const Pressure& pressure) {
  Piece piece(out);
  piece->add("\"").add(kind).add("\":{");
  for (std::size_t i = 0; i < kPressureWindows; ++i) {
    piece->add("\"").add(pressure_window_name(i)).add("\":");
    add_percent(*piece.operator->(), pressure.avg[i]);
    piece->add_char(',');
  }
  piece->add("\"total\":").add_number(pressure.total_us).add_char('}');
}

void format_json(const RegistryView& view, ContainerId id, const ContainerStats& stats, Sink& out) {
  {
    Piece piece(out);
    piece->add("{\"container\":");
    piece.quoted(stats.name);
  }
  std::size_t count = 0;
  const StatRow* rows = stat_rows(&count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t raw = rows[i].get(stats);
    Piece piece(out);
    // The number of members is the length of the array that follows under that name.
    if (std::string_view(rows[i].key) == "members") {
      continue;
    }
    piece->add(",\"").add(rows[i].key).add("\":");
    is_unlimited(rows[i], raw) ? piece->add("null") : piece->add_number(in_unit(rows[i], raw));
  }
  {
    Piece piece(out);
    for (std::uint32_t i = 0; i < kStayReasons; ++i) {
      piece->add(i == 0 ? ",\"evict_stayed\":{\"" : ",\"").add(to_string(static_cast<StayReason>(i)));
      piece->add("\":").add_number(stats.evict_stayed[i].bytes());
    }
    piece->add("},\"pressure\":{");
  }
  json_pressure(out, "some", stats.some);
  out.put(",");
  json_pressure(out, "full", stats.full);
  {
    Piece piece(out);
    piece->add("},\"oom\":\"").add(to_string(stats.oom.policy));
    piece->add("\",\"background\":").add(stats.background ? "true" : "false");
    piece->add(",\"adaptive_watermarks\":").add(stats.adaptive ? "true" : "false");
    piece->add(",\"load_control\":").add(stats.load_control ? "true" : "false");
    piece->add(",\"proactive\":");
    stats.proactive == 0 ? static_cast<void>(piece->add("null")) : add_percent(*piece.operator->(), stats.proactive);
    piece->add(",\"thrash\":\"");
    add_thrash(*piece.operator->(), stats.thrash);
    piece->add("\",\"meter\":\"").add(to_string(stats.meter)).add("\",\"members\":[");
  }
  const Subtree subtree = Subtree::below(view, id);
  MemberStats member;
  bool first = true;
  for (std::uint32_t cursor = 0; next_member(view, subtree, cursor, member); first = false) {
    json_member(out, member, first);
  }
  out.put("]}\n");
}

const char* unit_suffix(const StatRow& row) {
  switch (row.unit) {
    case Unit::kBytes:
      return "_bytes";
    case Unit::kMicroseconds:  // the key ends in _us already
    case Unit::kCount:
      return "";
  }
  return "";
}

void prometheus_name(Text& text, const StatRow& row) {
  text.add("weir_").add(row.key).add(unit_suffix(row)).add(row.monotone ? "_total" : "");
}

void prometheus_sample(Sink& out, const StatRow& row, const ContainerStats& stats) {
  Piece piece(out);
  prometheus_name(*piece.operator->(), row);
  piece->add("{container=");
  piece.quoted(stats.name);
  piece->add("} ");
  const std::uint64_t raw = row.get(stats);
  is_unlimited(row, raw) ? piece->add("+Inf") : piece->add_number(in_unit(row, raw));
  piece->add_char('\n');
}

void prometheus_header(Sink& out, std::string_view name, std::string_view type, std::string_view help) {
  Piece piece(out);
  piece->add("# HELP ").add(name).add_char(' ').add(help).add("\n# TYPE ").add(name).add_char(' ').add(type);
  piece->add_char('\n');
}

void prometheus_stayed(const ContainerStats* stats, std::size_t count, Sink& out) {
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
  total.add("weir_pressure_").add(kind).add("_us_total");
  prometheus_header(out, total.view(), "counter", "time in which work stood still for memory");
  for (std::size_t c = 0; c < count; ++c) {
    Piece piece(out);
    piece->add(total.view()).add("{container=");
    piece.quoted(stats[c].name);
    piece->add("} ").add_number((stats[c].*field).total_us).add_char('\n');
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

// `key`: the name of the gauge; `get`: its value of a member.
void prometheus_members(const RegistryView& view, const ContainerId* ids, const ContainerStats* stats,
                        std::size_t count, Sink& out, std::string_view key, Pages MemberStats::*field) {
  prometheus_header(out, key, "gauge", "of one member process");
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
  prometheus_members(view, ids, stats, count, out, "weir_member_usage_bytes", &MemberStats::usage);
  prometheus_members(view, ids, stats, count, out, "weir_member_swap_usage_bytes", &MemberStats::swap_usage);
}

void format_stats(const RegistryView& view, ContainerId id, const ContainerStats& stats, DumpFormat format, Sink& out) {
  switch (format) {
    case DumpFormat::kText:
      format_text(view, id, stats, out);
      break;
    case DumpFormat::kJson:
      format_json(view, id, stats, out);
      break;
    case DumpFormat::kPrometheus:
      format_prometheus_families(view, &id, &stats, 1, out);
      break;
  }
}

}  // namespace weir
