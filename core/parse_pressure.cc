// parse_pressure.cc - a share of the time, as pressure is told: hundredths of a percent.
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

}  // namespace weir
