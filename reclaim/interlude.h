// interlude.h - what the reclaimer does between the steps of a work that takes longer.
#pragma once

namespace weir {

class Interlude {
 public:
  // Called every fraction of a millisecond of such a work, by the thread that does it.
  virtual void interlude() = 0;

 protected:
  ~Interlude() = default;
};

inline void breathe(Interlude* between) {
  if (between != nullptr) {
    between->interlude();
  }
}

}  // namespace weir
