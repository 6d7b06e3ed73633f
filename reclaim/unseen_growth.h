// unseen_growth.h - a limit that was passed where no thread could be stopped: the policy acts all the same.
//
// Memory that is populated within one system call, and locked, takes no fault afterwards, so nobody ever meets
// the limit. Only what this process has grown by itself counts: a limit that somebody lowered, or a move, is theirs.
//
// The reclaimer's.
#pragma once

#include "reclaim/background.h"

namespace weir {

class UnseenGrowth {
 public:
  // When the reclaimer starts: what this process holds by then is what it has grown by.
  void begin(const Engine& engine);
  // After each look. How long until it wants the next one, ns; negative: it need not.
  std::int64_t mind(Engine& engine, const LookResult& result);

 private:
  void note(const Engine& engine, const Standing& standing, Pages held);
  [[nodiscard]] bool is_ours(const Engine& engine, const Standing& standing) const;

  std::uint64_t since_ns_ = 0;  // above, with nothing leaving; 0: not so
  bool told_ = false;           // and counted as met
  Pages held_below_;            // by this process, when usage was last below the limit
  std::uint32_t generation_ = 0;
  ContainerId container_;
};

}  // namespace weir
