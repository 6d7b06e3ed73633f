// parse.h - the values people write: sizes, percentages, container names, policies.
//
// Parsers take a string and give a value or a reason in words; they never guess, allocate,
// log or read the environment. Safe in signal handlers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/units.h"

namespace weir {

// A value, or why there is none. The reason is a string literal.
template <typename T>
struct [[nodiscard]] Parsed {
  T value{};
  const char* reason = nullptr;

  [[nodiscard]] constexpr bool ok() const {
    return reason == nullptr;
  }
  static constexpr Parsed refused(const char* why) {
    return Parsed{T{}, why};
  }
};

// Gives `target` the parsed value, or says why it keeps its own.
template <typename T>
const char* assign(T& target, const Parsed<T>& parsed) {
  if (parsed.ok()) {
    target = parsed.value;
  }
  return parsed.reason;
}

inline constexpr std::size_t kMaxComponentBytes = 63;
inline constexpr std::size_t kMaxNameBytes = 255;
inline constexpr int kMaxContainerDepth = 8;

// How long a container may thrash before it is told, and whether that is then taken for out of memory.
struct ThrashChoice {
  std::uint32_t seconds = 60;  // 0: never
  bool is_oom = false;
  constexpr bool operator==(const ThrashChoice&) const = default;
};

enum class OomPolicy : std::uint32_t { kKill = 0, kGroup = 1, kEnomem = 2, kPause = 3 };

struct OomChoice {
  OomPolicy policy = OomPolicy::kKill;
  std::uint32_t pause_seconds = 0;
};

// A watermark: an amount, or a share of the limit still to be known.
struct Mark {
  bool is_percent = false;
  std::uint64_t value = 0;  // bytes, or percent

  // The mark in pages for this limit; "all" when the limit is.
  [[nodiscard]] Pages against(Pages limit) const;
};

// "64M", "1g", "4096": bytes. K, M, G and T are powers of 1024, in either case, and a
// closing "B" or "iB" is understood. Refuses signs, fractions, 0, and what does not fit.
Parsed<std::uint64_t> parse_size(std::string_view text);
// A size of 1M at least, or "none"/"max" for no limit at all.
Parsed<Pages> parse_limit(std::string_view text);
// A size of 1M at least, or "N%", 1 to 100.
Parsed<Mark> parse_mark(std::string_view text);
// `a/b/c`: parts of [A-Za-z0-9._-], 1 to 63 bytes each, not "." or "..", at most 8 deep.
Parsed<std::string_view> parse_name(std::string_view text);
// "kill", "group", "enomem" or "pause:SECONDS".
Parsed<OomChoice> parse_oom(std::string_view text);
// "on"/"off", "1"/"0", "yes"/"no", "true"/"false".
Parsed<bool> parse_switch(std::string_view text);
// "off", SECONDS or SECONDS:oom, 1 to 86400.
Parsed<ThrashChoice> parse_thrash(std::string_view text);
// "0.1" or "0.1%", up to two decimals, 0.01 to 100: hundredths of a percent. "off" or "none": 0.
Parsed<std::uint32_t> parse_pressure(std::string_view text);
// A signal by number or name: "42", "USR2", "SIGUSR2", "RTMIN+3", "SIGRTMAX-2". Refuses those
// that mean a fault of the program, and those that libc or the kernel keep.
Parsed<int> parse_signal(std::string_view text);

const char* to_string(OomPolicy policy);

}  // namespace weir
