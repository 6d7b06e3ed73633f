// format_json.cc - statistics as one JSON object, on one line.
#include "core/format.h"

namespace weir {
namespace {

// What a thread group has beside what every member has.
void json_group(Sink& out, const MemberStats& member) {
  {
    Piece piece(out);
    piece->add(",\"group\":");
    piece.quoted(member.group)->add(",\"threads\":[");
  }
  each_thread_name(member, out, [](Piece& piece, const char* text, bool is_first) {
    piece->add(is_first ? "" : ",");
    piece.quoted(text);
  });
  out.put("]");
}

void json_member(Sink& out, const MemberStats& member, bool first) {
  {
    Piece piece(out);
    piece->add(first ? "" : ",").add("{\"pid\":").add_number(member.pid).add(",\"comm\":");
    piece.quoted(member.comm);
    piece->add(",\"usage\":").add_number(member.usage.bytes());
    piece->add(",\"swap_usage\":").add_number(member.swap_usage.bytes());
    piece->add(",\"wakeups\":").add_number(member.wakeups).add(",\"held_us\":").add_number(member.held_ns / 1000);
    piece->add(",\"meter\":\"").add(to_string(member.meter));
    piece->add("\",\"reach\":\"").add(to_string(member.reach)).add("\"");
  }
  if (member.is_group) {
    json_group(out, member);
  }
  out.put("}");
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

void json_rows(Sink& out, const ContainerStats& stats) {
  std::size_t count = 0;
  const StatRow* rows = stat_rows(&count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t raw = rows[i].get(stats);
    // The number of members is the length of the array that follows under that name.
    if (std::string_view(rows[i].key) == "members") {
      continue;
    }
    Piece piece(out);
    piece->add(",\"").add(rows[i].key).add("\":");
    is_unlimited(rows[i], raw) ? piece->add("null") : piece->add_number(in_unit(rows[i], raw));
  }
}

void json_stayed(Sink& out, const ContainerStats& stats) {
  Piece piece(out);
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    piece->add(i == 0 ? ",\"evict_stayed\":{\"" : ",\"").add(to_string(static_cast<StayReason>(i)));
    piece->add("\":").add_number(stats.evict_stayed[i].bytes());
  }
  piece->add_char('}');
}

void json_choices(Sink& out, const ContainerStats& stats) {
  Piece piece(out);
  piece->add(",\"oom\":\"");
  add_oom(*piece.operator->(), stats.oom);
  piece->add("\",\"background\":").add(stats.background ? "true" : "false");
  piece->add(",\"adaptive_watermarks\":").add(stats.adaptive ? "true" : "false");
  piece->add(",\"load_control\":").add(stats.load_control ? "true" : "false");
  piece->add(",\"proactive\":");
  stats.proactive == 0 ? static_cast<void>(piece->add("null")) : add_percent(*piece.operator->(), stats.proactive);
  piece->add(",\"thrash\":\"");
  add_thrash(*piece.operator->(), stats.thrash);
  piece->add("\",\"meter\":\"").add(to_string(stats.meter)).add_char('"');
}

}  // namespace

void format_json(const RegistryView& view, ContainerId id, const ContainerStats& stats, Sink& out) {
  Piece(out)->add("{\"container\":");
  Piece(out).quoted(stats.name);
  json_rows(out, stats);
  json_stayed(out, stats);
  out.put(",\"pressure\":{");
  json_pressure(out, "some", stats.some);
  out.put(",");
  json_pressure(out, "full", stats.full);
  out.put("}");
  json_choices(out, stats);
  out.put(",\"members\":[");
  const Subtree subtree = Subtree::below(view, id);
  MemberStats member;
  bool first = true;
  for (std::uint32_t cursor = 0; next_member(view, subtree, cursor, member); first = false) {
    json_member(out, member, first);
  }
  out.put("]}\n");
}

}  // namespace weir
