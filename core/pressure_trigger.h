// pressure_trigger.h - "tell me when stalls take more than so much of a window", as the kernel's PSI has it.
//
// The text of a trigger is the kernel's: "some 200000 2000000", microseconds of stall and of window
// (Documentation/accounting/psi.rst). Growth of a total over a window comes from samples taken now
// and then, so it is as exact as the sampling is often. For one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir {

struct PressureTrigger {
  bool full = false;
  std::uint64_t threshold_ns = 200'000'000;  // systemd's default
  std::uint64_t window_ns = 2'000'000'000;
};

// Reads a trigger, up to its end or a NUL. False, and nothing changed: it is none. Bounds as in the
// kernel: a window of 0.5 to 10 s, and a stall of more than nothing that fits in.
bool parse_trigger(std::string_view text, PressureTrigger& out);

// The same for `some`, in numbers.
bool make_trigger(std::uint64_t stall_us, std::uint64_t window_us, PressureTrigger& out);

// A total that grows, as it stood at times of the last ten seconds or so.
class StallHistory {
 public:
  void note(std::uint64_t now_ns, std::uint64_t total_ns);
  // How much it grew in the `window_ns` before the latest sample; 0 if it shrank.
  [[nodiscard]] std::uint64_t grown(std::uint64_t window_ns) const;

 private:
  struct Sample {
    std::uint64_t at_ns = 0;
    std::uint64_t total_ns = 0;
  };
  static constexpr std::size_t kSamples = 64;
  static constexpr std::uint64_t kStepNs = 160'000'000;  // 64 of them cover the largest window

  std::array<Sample, kSamples> samples_{};
  std::size_t count_ = 0;  // ever taken
  Sample latest_;
};

}  // namespace weir
