// meter_check.h - whether the perf meter sees what the process grows by.
//
// An unprivileged perf event does not count the faults that the kernel takes on behalf of the
// program: read(2) into fresh memory grows a process with no sample. The process' count of faults
// knows them all (getrusage(2)), so what exceeds the faults the samples stand for went unseen.
//
// The reclaimer's.
#pragma once

#include <cstdint>

#include "reclaim/engine.h"

namespace weir {

class MeterCheck {
 public:
  void begin() {
    *this = {};
  }
  // Compares the faults of the program's threads, of which no thread may take more than a period
  // between two samples, with those that samples stand for. True where there are new ones.
  bool compare(Engine& engine);
  // Sets engine.grows_unseen: many went unseen, and the mark is near enough to be passed by as many.
  void judge(Engine& engine, const Standing& standing);
  // Many more than at the last judgement.
  [[nodiscard]] bool has_news(const Engine& engine) const;
  // Whether many went unseen within the last second.
  [[nodiscard]] bool in_doubt(Os& os) const;
  [[nodiscard]] std::uint32_t faults() const {
    return faults_;
  }

 private:
  std::uint32_t faults_ = 0;  // of the program's threads; wraps, as does the next but one
  // Where counting began.
  std::uint32_t faults_then_ = 0;
  std::uint32_t sampled_then_ = 0;
  std::uint64_t then_ns_ = 0;     // 0: it has not
  std::int32_t unseen_ = 0;       // faults more than the samples stand for; negative where these run ahead
  std::int32_t judged_for_ = 0;   // of them, those that the last judgement knew
  bool counts_anew_ = false;      // from the next comparison on
  std::uint64_t many_at_ns_ = 0;  // when they were last many; 0: never
};

}  // namespace weir
