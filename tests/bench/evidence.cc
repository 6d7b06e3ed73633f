// evidence.cc - what each kind of evidence knows of which memory will not be needed, and what knowing it costs.
//
// Usage: evidence [SECONDS]. A thread uses a part of 256 MiB as one of four patterns says. A kind of evidence looks
// ten times, 100 ms apart; then the half of the pages that it thinks coldest is chosen. Precision is the share of these
// that nobody touches in the next SECONDS (10). Canaries need swap. Every kind but the first could run without
// privileges.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "core/os.h"
#include "tests/bench/evidence_kinds.h"

namespace weir {
namespace {

constexpr int kPasses = 10;
constexpr auto kPause = std::chrono::milliseconds(100);

constexpr Pattern kPatterns[] = {{"reads, a tenth of the granules", false, kInGranule, 10},
                                 {"writes, a tenth of the granules", true, kInGranule, 10},
                                 {"reads, one page of every third granule", false, 1, 3},
                                 {"reads, a third of the granules", false, kInGranule, 3}};

double speed(const Program& program, std::chrono::milliseconds time) {
  const std::uint64_t before = program.steps();
  std::this_thread::sleep_for(time);
  return static_cast<double>(program.steps() - before) / static_cast<double>(time.count());
}

// Of the half of the pages that scored least, those not touched in the time.
double precision(Program& program, const Scores& scores, std::chrono::seconds time) {
  std::vector<std::size_t> order(kGranules);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  program.forget();
  std::this_thread::sleep_for(time);
  std::size_t kept_out = 0;
  for (std::size_t i = 0; i < kGranules / 2 * kInGranule; ++i) {
    kept_out += program.was_touched(order[i / kInGranule] * kInGranule + i % kInGranule) ? 0 : 1;
  }
  return static_cast<double>(kept_out) / static_cast<double>(kGranules / 2 * kInGranule);
}

void measure(const Pattern& pattern, const char* name, Evidence& evidence, std::chrono::seconds time) {
  Program program(pattern);
  const double alone = speed(program, std::chrono::milliseconds(500));
  if (!evidence.begin(program)) {
    std::printf("%-40s %-12s not to be had here\n", pattern.name, name);
    return;
  }
  Scores scores(kGranules, 0);
  std::uint64_t cpu = 0;
  double watched = 0;
  for (int i = 0; i < kPasses; ++i) {
    for (double& score : scores) {
      score /= 2;
    }
    const std::uint64_t before = raw_os().thread_cpu_ns();
    evidence.pass(program, scores);
    cpu += raw_os().thread_cpu_ns() - before;
    watched += speed(program, kPause) / kPasses;
  }
  constexpr double kGibPerPass = static_cast<double>(kBytes) / static_cast<double>(kGiB);
  std::printf("%-40s %-12s %9.2f %% %12.2f %13.0f %%\n", pattern.name, name, 100 * precision(program, scores, time),
              static_cast<double>(cpu) / 1e6 / kPasses / kGibPerPass, 100 * watched / alone);
  std::fflush(stdout);
}

int bench(std::chrono::seconds time) {
  std::printf("%-40s %-12s %11s %12s %15s\n", "pattern", "evidence", "precision", "ms per GiB", "program's speed");
  for (const Pattern& pattern : kPatterns) {
    measure(pattern, "age", *by_age(), time);
    measure(pattern, "writes", *by_writes(), time);
    measure(pattern, "canaries", *by_canaries(), time);
    measure(pattern, "references", *by_references(), time);
    measure(pattern, "oracle", *by_oracle(), time);
  }
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  constexpr long kDefaultSeconds = 10;
  const long seconds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : kDefaultSeconds;
  if (seconds <= 0) {
    std::fprintf(stderr, "evidence: \"%s\" is no number of seconds\n", argv[1]);
    return 2;
  }
  return weir::bench(std::chrono::seconds(seconds));
}
