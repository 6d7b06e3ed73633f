// evidence_kinds.h - four ways to learn which memory is in use, each as `evidence` asks it.
#pragma once

#include <memory>
#include <vector>

#include "tests/bench/evidence_program.h"

namespace weir {

using Scores = std::vector<double>;  // by granule: pages in use, as far as it knows

class Evidence {
 public:
  virtual ~Evidence() = default;
  // False where the kernel does not let us.
  virtual bool begin(Program& program) = 0;
  // One look, added to the scores.
  virtual void pass(Program& program, Scores& scores) = 0;
};

std::unique_ptr<Evidence> by_age();       // nothing but when it was first touched
std::unique_ptr<Evidence> by_writes();    // write protection by userfaultfd, lifted by the kernel itself
std::unique_ptr<Evidence> by_canaries();  // two pages of each granule leave first; who comes back speaks for the others
std::unique_ptr<Evidence> by_oracle();    // what the program itself knows
std::unique_ptr<Evidence> by_references();  // the accessed bits, as weir reads and clears them

}  // namespace weir
