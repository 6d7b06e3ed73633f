// parse_pressure.cc - how much pressure there may be, in hundredths of a percent of the time, and how long thrashing.
#include <array>
#include <charconv>

#include "core/parse.h"

namespace weir {

Parsed<std::uint32_t> parse_pressure(std::string_view text) {
  using Result = Parsed<std::uint32_t>;
  constexpr const char* kRefusal = "is no pressure (0.01 to 100 percent of the time, or off)";
  if (text == "off" || text == "none") {
    return {0};
  }
  if (!text.empty() && text.back() == '%') {
    text.remove_suffix(1);
  }
  const std::size_t point = text.find('.');
  std::string_view fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (fraction.size() > 2 || (point != std::string_view::npos && fraction.empty())) {
    return Result::refused(kRefusal);
  }
  // As one number: digits before the point, then exactly two.
  std::array<char, 8> digits{};
  std::size_t count = 0;
  for (const char c : text.substr(0, point)) {
    if (count == 3) {
      return Result::refused(kRefusal);
    }
    digits[count++] = c;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    digits[count++] = i < fraction.size() ? fraction[i] : '0';
  }
  std::uint32_t value = 0;
  const char* const end = digits.data() + count;
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end || point == 0 || text.empty() || value == 0 || value > 10000) {
    return Result::refused(kRefusal);
  }
  return {value};
}

Parsed<ThrashChoice> parse_thrash(std::string_view text) {
  using Result = Parsed<ThrashChoice>;
  constexpr std::uint32_t kMostSeconds = 86400;
  if (text == "off" || text == "none") {
    return {ThrashChoice{0, false}};
  }
  const std::size_t colon = text.find(':');
  const std::string_view digits = text.substr(0, colon);
  ThrashChoice choice;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), choice.seconds);
  choice.is_oom = colon != std::string_view::npos;
  if (error != std::errc{} || stop != digits.data() + digits.size() || choice.seconds == 0 ||
      choice.seconds > kMostSeconds || (choice.is_oom && text.substr(colon) != ":oom")) {
    return Result::refused("is no time to thrash (1 to 86400 seconds, then optionally :oom; or off)");
  }
  return {choice};
}

}  // namespace weir
