// adaptive_marks.h - watermarks that nobody set by hand keep just the distance that growth needs.
//
// What lies between the high watermark and the limit is memory the program may not use. It has to
// be as much as grows while the reclaimer wakes up and works, and not more. Growth and speed are
// not measured each by itself: their outcome is. A run during which somebody met the limit or had
// to be held widens the margin by half; one without narrows it by a sixteenth, as TCP's congestion
// window feels its way (additive increase, multiplicative decrease; Jacobson 1988, turned round).
// The margin stays between a 64th and an eighth of the limit; low is twice as far from it as high.
//
// The reclaimer's, or the thread's that evicts in place; several processes may adapt one container.
#pragma once

#include "reclaim/engine.h"

namespace weir {

// A run of background reclaim for `id` is over.
void adapt_marks(Engine& engine, ContainerId id);

}  // namespace weir
