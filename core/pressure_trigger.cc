// pressure_trigger.cc - three words, and a ring of samples.
#include "core/pressure_trigger.h"

#include <algorithm>
#include <charconv>

namespace weir {
namespace {

constexpr std::uint64_t kNsPerUs = 1000;
constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kLeastWindowUs = 500'000;
constexpr std::uint64_t kMostWindowUs = 10'000'000;

// Takes a number and the blanks before it from the front.
bool take_number(std::string_view& text, std::uint64_t& out) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == 0 || begin == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(begin);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc();
}

}  // namespace

bool parse_trigger(std::string_view text, PressureTrigger& out) {
  text = text.substr(0, text.find('\0'));
  const std::string_view kind = text.substr(0, text.find(' '));
  if (kind != "some" && kind != "full") {
    return false;
  }
  text.remove_prefix(kind.size());
  std::uint64_t stall_us = 0;
  std::uint64_t window_us = 0;
  if (!take_number(text, stall_us) || !take_number(text, window_us) ||
      text.find_first_not_of(" \n") != std::string_view::npos) {
    return false;
  }
  const bool full = kind == "full";
  if (!make_trigger(stall_us, window_us, out)) {
    return false;
  }
  out.full = full;
  return true;
}

bool make_trigger(std::uint64_t stall_us, std::uint64_t window_us, PressureTrigger& out) {
  if (window_us < kLeastWindowUs || window_us > kMostWindowUs || stall_us == 0 || stall_us > window_us) {
    return false;
  }
  out = {false, stall_us * kNsPerUs, window_us * kNsPerUs};
  return true;
}

void StallHistory::note(std::uint64_t now_ns, std::uint64_t total_ns) {
  latest_ = {now_ns, total_ns};
  if (count_ == 0 || now_ns - samples_[(count_ - 1) % kSamples].at_ns >= kStepNs) {
    samples_[count_++ % kSamples] = latest_;
  }
}

std::uint64_t StallHistory::grown(std::uint64_t window_ns) const {
  if (count_ == 0) {
    return 0;
  }
  const std::uint64_t begin = latest_.at_ns - std::min(window_ns, latest_.at_ns);
  // The samples on both sides of where the window begins; between them growth is taken for even.
  Sample after = latest_;
  std::size_t i = count_;
  while (i > 0 && count_ - i < kSamples && samples_[(i - 1) % kSamples].at_ns > begin) {
    after = samples_[--i % kSamples];
  }
  std::uint64_t before = after.total_ns;
  if (i > 0 && count_ - i < kSamples) {
    const Sample& base = samples_[(i - 1) % kSamples];
    const std::uint64_t rise = after.total_ns > base.total_ns ? after.total_ns - base.total_ns : 0;
    const std::uint64_t span_ms = (after.at_ns - base.at_ns) / kNsPerMs + 1;
    before -= rise / span_ms * std::min(span_ms, (after.at_ns - begin) / kNsPerMs);
  }
  return latest_.total_ns > before ? latest_.total_ns - before : 0;
}

}  // namespace weir
