// format.cc - which form, and the values that all of them write alike.
#include "core/format.h"

namespace weir {

std::uint64_t in_unit(const StatRow& row, std::uint64_t raw) {
  switch (row.unit) {
    case StatRow::Unit::kBytes:
      return Pages{raw}.bytes();
    case StatRow::Unit::kMicroseconds:
      return raw / 1000;
    case StatRow::Unit::kCount:
      return raw;
  }
  return raw;
}

bool is_unlimited(const StatRow& row, std::uint64_t raw) {
  return row.unit == StatRow::Unit::kBytes && Pages{raw}.unlimited();
}

void add_percent(Text& text, std::uint32_t hundredths) {
  text.add_number(hundredths / 100).add_char('.').add_number(hundredths / 10 % 10).add_number(hundredths % 10);
}

void add_oom(Text& text, const OomChoice& choice) {
  text.add(to_string(choice.policy));
  if (choice.policy == OomPolicy::kPause) {
    text.add_char(':').add_number(choice.pause_seconds);
  }
}

void add_thrash(Text& text, const ThrashChoice& choice) {
  if (choice.seconds == 0) {
    text.add("off");
    return;
  }
  text.add_number(choice.seconds).add(choice.is_oom ? ":oom" : "");
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
