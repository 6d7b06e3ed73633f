// moment.cc - writing times of day, reading seconds.
#include "tools/moment.h"

#include <charconv>
#include <ctime>

#include "tools/say.h"

namespace weir {

std::string timestamp(std::uint64_t wall_ns) {
  constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
  const auto seconds = static_cast<std::time_t>(wall_ns / kNsPerSecond);
  std::tm parts = {};
  ::localtime_r(&seconds, &parts);
  char date[32];
  char zone[8];
  std::strftime(date, sizeof(date), "%FT%T", &parts);
  std::strftime(zone, sizeof(zone), "%z", &parts);
  const std::string millis = std::to_string(1000 + wall_ns / 1'000'000 % 1000).substr(1);
  return std::string(date) + "." + millis + std::string(zone, 3) + ":" + std::string(zone + 3);
}

std::chrono::milliseconds read_seconds(std::string_view name, const std::string& text,
                                       std::chrono::milliseconds least) {
  constexpr double kYear = 365.0 * 24 * 3600;
  double seconds = 0;
  // Fixed digits only: "inf", "nan" and exponents are no times that people mean.
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds >= 0)) {
    refuse_value(name, text, "is no number of seconds");
  }
  if (seconds > kYear) {
    refuse_value(name, text, "is above a year");
  }
  const std::chrono::milliseconds out(static_cast<std::int64_t>(seconds * 1000));
  if (out < least) {
    refuse_value(name, text, "is below " + std::to_string(least.count()) + " ms");
  }
  return out;
}

}  // namespace weir
