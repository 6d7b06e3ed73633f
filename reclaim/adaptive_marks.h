// adaptive_marks.h - watermarks that nobody set by hand keep just the distance that growth needs.
//
// What lies between the high watermark and the limit is memory the program may not use. It has to
// be as much as grows while the reclaimer wakes up and works, and not more. Growth and speed are
// not measured each by itself: their outcome is. A run during which somebody met the limit or had
// to be held widens the margin by half; one without narrows it by a sixteenth, as TCP's congestion
// window feels its way (additive increase, multiplicative decrease; Jacobson 1988, turned round).
// The margin stays between a 64th and an eighth of the limit; low is twice as far from it as high.
//
// Where one process holds nearly all of it, and is stopped at its own samples, being held is no trouble, and low is
// near: the time goes into page-outs that are to be paid for anyhow, and a wide margin costs more of them. (GNU sort of
// 115 MiB at 64: refaults 169,000 to 123,000, 5.0 to 4.2 s, with 10 charges that met the limit in place of 1, and 430
// without background reclaim.) With several members it did harm: who is held waits for others (four that walk through
// 40 MiB each at 64: 1.8 to 4 s).
//
// The reclaimer's, or the thread's that evicts in place; several processes may adapt one container.
#pragma once

#include "reclaim/engine.h"

namespace weir {

// A run of background reclaim for `id` is over.
void adapt_marks(Engine& engine, ContainerId id);

}  // namespace weir
