// scan_cost.cc - what a look over a process' memory costs, by what is resident, reserved and paged out.
//
// Usage: scan_cost [--benchmark_... ]. Arguments of each line: GiB resident, GiB reserved beside them, GiB paged out
// (as far as there is swap for them). The page table is made of small pages.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <memory>

#include "core/os.h"
#include "reclaim/pagemap.h"
#include "reclaim/ranking.h"

namespace weir {
namespace {

class Mapping {
 public:
  explicit Mapping(std::int64_t gib) : bytes_(static_cast<std::size_t>(gib) << 30) {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (bytes_ > 0) {
      memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    }
    if (memory_ != MAP_FAILED) {
      ::madvise(memory_, bytes_, MADV_NOHUGEPAGE);
    }
  }
  ~Mapping() {
    if (memory_ != MAP_FAILED) {
      ::munmap(memory_, bytes_);
    }
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] bool advise(int what) const {
    return bytes_ == 0 || (memory_ != MAP_FAILED && ::madvise(memory_, bytes_, what) == 0);
  }

 private:
  std::size_t bytes_;
  void* memory_ = MAP_FAILED;
};

// The memory of one line, held while it is measured.
struct Held {
  explicit Held(const benchmark::State& state)
      : resident(state.range(0)), reserved(state.range(1)), paged_out(state.range(2)) {}
  [[nodiscard]] bool fill() const {
    return resident.advise(MADV_POPULATE_WRITE) && paged_out.advise(MADV_POPULATE_WRITE) &&
           paged_out.advise(MADV_PAGEOUT);
  }
  Mapping resident;
  Mapping reserved;
  Mapping paged_out;
};

// The time for each GiB that is resident.
void tell_by_gib(benchmark::State& state) {
  state.counters["per_GiB"] = benchmark::Counter(
      static_cast<double>(state.range(0)), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void scan_for_present(benchmark::State& state) {
  const Held held(state);
  static ScanBuffer buffer;
  Pagemap pagemap(buffer);
  if (!held.fill() || pagemap.open(raw_os()) != 0) {
    state.SkipWithError("no memory, or no pagemap");
    return;
  }
  while (state.KeepRunning()) {
    PageCounter counter;
    benchmark::DoNotOptimize(pagemap.scan(raw_os(), kWholeAddressSpace, counter));
  }
  tell_by_gib(state);
  pagemap.close(raw_os());
}

void build_of_the_ranking(benchmark::State& state) {
  const Held held(state);
  static ScanBuffer buffer;
  Pagemap pagemap(buffer);
  const auto ranking = std::make_unique<Ranking>();
  if (!held.fill() || pagemap.open(raw_os()) != 0) {
    state.SkipWithError("no memory, or no pagemap");
    return;
  }
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(ranking->build(raw_os(), pagemap, {}, true));
  }
  tell_by_gib(state);
  pagemap.close(raw_os());
}

void lines(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"resident", "reserved", "paged_out"})->Unit(benchmark::kMillisecond);
  bench->Args({1, 0, 0})->Args({4, 0, 0})->Args({16, 0, 0})->Args({1, 100, 0})->Args({1, 0, 2});
}
BENCHMARK(scan_for_present)->Apply(lines);
BENCHMARK(build_of_the_ranking)->Apply(lines);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
