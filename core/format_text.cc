// format_text.cc - statistics for people: a key and a value a line, then the members.
#include "core/format.h"

namespace weir {
namespace {

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
    if (row.unit == StatRow::Unit::kBytes && raw != 0) {
      piece->add("  (");
      add_human(*piece.operator->(), in_unit(row, raw));
      piece->add(")");
    }
  }
  piece->add_char('\n');
}

void text_member(Sink& out, const MemberStats& member) {
  {
    Piece piece(out);
    piece->add(member.is_group ? "group  " : "member ").add_padded(member.pid, 8);
    piece->add("  usage ").add_padded(member.usage.bytes(), 12);
    piece->add("  swap ").add_padded(member.swap_usage.bytes(), 12).add("  meter ").add(to_string(member.meter));
    piece->add("  ");
    if (member.reach != Reach::kItself) {
      piece->add(to_string(member.reach)).add("  ");
    }
    piece.harmless(member.comm);
    if (member.is_group) {
      piece->add("/");
      piece.harmless(member.group);
    }
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

}  // namespace

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
  {
    Piece piece(out);
    add_oom(piece.key("oom"), stats.oom);
    piece->add_char('\n');
  }
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

}  // namespace weir
