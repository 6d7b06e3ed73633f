// parse_words.h - what the parsers are made of: words without case, digits and what follows them.
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

namespace weir {

inline char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline bool same_word(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) {
      return false;
    }
  }
  return true;
}

struct Digits {
  std::uint64_t value = 0;
  std::string_view rest;
  bool overflow = false;
  bool any = false;
};

inline Digits take_digits(std::string_view text) {
  Digits out;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.value);
  out.any = error != std::errc::invalid_argument;
  out.overflow = error == std::errc::result_out_of_range;
  out.rest = text.substr(static_cast<std::size_t>(end - text.data()));
  return out;
}

}  // namespace weir
