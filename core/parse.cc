// parse.cc - the parsers of parse.h, hand-written because they run before malloc may be used.
#include "core/parse.h"

#include "core/parse_words.h"

namespace weir {
namespace {

// The power of two a suffix stands for, or -1.
int suffix_shift(std::string_view suffix) {
  if (suffix.size() > 1) {
    const bool closing = same_word(suffix.substr(1), "b") || same_word(suffix.substr(1), "ib");
    if (!closing) {
      return -1;
    }
  }
  if (suffix.empty() || same_word(suffix, "b")) {
    return 0;
  }
  switch (lower(suffix[0])) {
    case 'k':
      return 10;
    case 'm':
      return 20;
    case 'g':
      return 30;
    case 't':
      return 40;
    default:
      return -1;
  }
}

bool name_char(char c) {
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

const char* component_fault(std::string_view part) {
  if (part.empty()) {
    return "has an empty part";
  }
  if (part.size() > kMaxComponentBytes) {
    return "has a part longer than 63 bytes";
  }
  if (part == "." || part == "..") {
    return "has a part that is '.' or '..'";
  }
  for (const char c : part) {
    if (!name_char(c)) {
      return "may hold only letters, digits, '.', '_', '-', and '/' between parents";
    }
  }
  return nullptr;
}

}  // namespace

Pages Mark::against(Pages limit) const {
  if (!is_percent) {
    return Pages::holding(value);
  }
  if (limit.unlimited()) {
    return Pages::all();
  }
  return Pages{limit.count / 100 * value + limit.count % 100 * value / 100};
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  using Result = Parsed<std::uint64_t>;
  if (text.empty()) {
    return Result::refused("is empty");
  }
  if (text[0] == '-') {
    return Result::refused("is negative");
  }
  const Digits digits = take_digits(text);
  if (!digits.any) {
    return Result::refused("is not a size (write a number with an optional K, M, G or T)");
  }
  const int shift = suffix_shift(digits.rest);
  if (shift < 0) {
    return Result::refused("has an unknown suffix (K, M, G and T are known)");
  }
  if (digits.overflow || digits.value > (UINT64_MAX >> 1 >> shift)) {
    return Result::refused("is too large");
  }
  if (digits.value == 0) {
    return Result::refused("is zero");
  }
  return {digits.value << shift};
}

namespace {
constexpr const char* kTooLittle = "is below 1M, less than an empty program needs";
}  // namespace

Parsed<Pages> parse_limit(std::string_view text) {
  if (same_word(text, "none") || same_word(text, "max")) {
    return {Pages::all()};
  }
  const auto size = parse_size(text);
  if (!size.ok()) {
    return Parsed<Pages>::refused(size.reason);
  }
  if (size.value < kMiB) {
    return Parsed<Pages>::refused(kTooLittle);
  }
  return {Pages::holding(size.value)};
}

Parsed<Mark> parse_mark(std::string_view text) {
  if (!text.empty() && text.back() == '%') {
    const Digits digits = take_digits(text.substr(0, text.size() - 1));
    if (!digits.any || !digits.rest.empty() || digits.overflow || digits.value == 0 || digits.value > 100) {
      return Parsed<Mark>::refused("is no percentage from 1% to 100%");
    }
    return {Mark{true, digits.value}};
  }
  const auto size = parse_size(text);
  if (!size.ok()) {
    return Parsed<Mark>::refused(size.reason);
  }
  if (size.value < kMiB) {
    return Parsed<Mark>::refused(kTooLittle);
  }
  return {Mark{false, size.value}};
}

Parsed<std::string_view> parse_name(std::string_view text) {
  using Result = Parsed<std::string_view>;
  if (text.empty()) {
    return Result::refused("is empty");
  }
  if (text.size() > kMaxNameBytes) {
    return Result::refused("is longer than 255 bytes");
  }
  int depth = 0;
  for (std::string_view rest = text;;) {
    const std::size_t slash = rest.find('/');
    if (const char* fault = component_fault(rest.substr(0, slash)); fault != nullptr) {
      return Result::refused(fault);
    }
    if (++depth > kMaxContainerDepth) {
      return Result::refused("is more than 8 containers deep");
    }
    if (slash == std::string_view::npos) {
      return {text};
    }
    rest = rest.substr(slash + 1);
  }
}

Parsed<OomChoice> parse_oom(std::string_view text) {
  using Result = Parsed<OomChoice>;
  constexpr std::string_view kPausePrefix = "pause:";
  if (same_word(text, "kill")) {
    return {OomChoice{OomPolicy::kKill, 0}};
  }
  if (same_word(text, "group")) {
    return {OomChoice{OomPolicy::kGroup, 0}};
  }
  if (same_word(text, "enomem")) {
    return {OomChoice{OomPolicy::kEnomem, 0}};
  }
  if (same_word(text.substr(0, kPausePrefix.size()), kPausePrefix)) {
    const Digits seconds = take_digits(text.substr(kPausePrefix.size()));
    if (!seconds.any || !seconds.rest.empty() || seconds.overflow || seconds.value == 0 || seconds.value > 86400) {
      return Result::refused("needs whole seconds from 1 to 86400 after 'pause:'");
    }
    return {OomChoice{OomPolicy::kPause, static_cast<std::uint32_t>(seconds.value)}};
  }
  return Result::refused("is no policy (kill, group, enomem, pause:SECONDS)");
}

Parsed<bool> parse_switch(std::string_view text) {
  for (const std::string_view yes : {"on", "1", "yes", "true"}) {
    if (same_word(text, yes)) {
      return {true};
    }
  }
  for (const std::string_view no : {"off", "0", "no", "false"}) {
    if (same_word(text, no)) {
      return {false};
    }
  }
  return Parsed<bool>::refused("is neither on nor off");
}

const char* to_string(OomPolicy policy) {
  switch (policy) {
    case OomPolicy::kKill:
      return "kill";
    case OomPolicy::kGroup:
      return "group";
    case OomPolicy::kEnomem:
      return "enomem";
    case OomPolicy::kPause:
      return "pause";
  }
  return "unknown";
}

}  // namespace weir
