// parse_signal.cc - a signal by number or by name: 10, USR1, SIGUSR1, RTMIN+3.
#include <signal.h>

#include <array>

#include "core/parse.h"
#include "core/parse_words.h"

namespace weir {
namespace {

struct NamedSignal {
  std::string_view name;
  int number;
};

constexpr std::array kSignals = {
    NamedSignal{"HUP", SIGHUP},   NamedSignal{"INT", SIGINT},   NamedSignal{"QUIT", SIGQUIT},
    NamedSignal{"USR1", SIGUSR1}, NamedSignal{"USR2", SIGUSR2}, NamedSignal{"ALRM", SIGALRM},
    NamedSignal{"TERM", SIGTERM}, NamedSignal{"URG", SIGURG},   NamedSignal{"WINCH", SIGWINCH},
    NamedSignal{"IO", SIGIO},     NamedSignal{"PWR", SIGPWR},   NamedSignal{"VTALRM", SIGVTALRM},
    NamedSignal{"XCPU", SIGXCPU}, NamedSignal{"PROF", SIGPROF}, NamedSignal{"CHLD", SIGCHLD},
};

// Signals that a program may give away. Not those of its own faults, not the two that libc
// keeps below SIGRTMIN, not the two that cannot be handled.
bool is_usable(std::uint64_t number) {
  for (const NamedSignal& known : kSignals) {
    if (number == static_cast<std::uint64_t>(known.number)) {
      return true;
    }
  }
  return number >= static_cast<std::uint64_t>(SIGRTMIN) && number <= static_cast<std::uint64_t>(SIGRTMAX);
}

// "+3" after RTMIN or "-2" after RTMAX, as a distance from that end.
Parsed<int> realtime_signal(int base, char sign, std::string_view rest) {
  if (rest.empty()) {
    return {base};
  }
  const Digits n = take_digits(rest.substr(1));
  if (rest[0] != sign || !n.any || !n.rest.empty() || n.overflow || n.value > 64) {
    return Parsed<int>::refused("is no signal (write RTMIN+N or RTMAX-N)");
  }
  const int number = base + (sign == '+' ? 1 : -1) * static_cast<int>(n.value);
  if (number < SIGRTMIN || number > SIGRTMAX) {
    return Parsed<int>::refused("is outside the real-time signals");
  }
  return {number};
}

}  // namespace

Parsed<int> parse_signal(std::string_view text) {
  if (const Digits n = take_digits(text); n.any && n.rest.empty()) {
    if (n.overflow || !is_usable(n.value)) {
      return Parsed<int>::refused("is no signal that can be handled");
    }
    return {static_cast<int>(n.value)};
  }
  std::string_view name = text;
  if (name.size() > 3 && same_word(name.substr(0, 3), "SIG")) {
    name.remove_prefix(3);
  }
  constexpr std::size_t kRtLength = 5;
  if (same_word(name.substr(0, kRtLength), "RTMIN")) {
    return realtime_signal(SIGRTMIN, '+', name.substr(kRtLength));
  }
  if (same_word(name.substr(0, kRtLength), "RTMAX")) {
    return realtime_signal(SIGRTMAX, '-', name.substr(kRtLength));
  }
  for (const NamedSignal& known : kSignals) {
    if (same_word(name, known.name)) {
      return {known.number};
    }
  }
  return Parsed<int>::refused("is no signal that can be handled");
}

}  // namespace weir
