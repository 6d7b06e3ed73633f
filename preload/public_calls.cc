// public_calls.cc - what weir.h offers to programs that know of us.
#include <errno.h>

#include "core/usage.h"
#include "preload/callbacks.h"
#include "preload/process.h"
#include "preload/thread_groups.h"
#include "preload/weir.h"

#define WEIR_EXPORT [[gnu::visibility("default")]]

namespace {

std::uint64_t bytes_of(weir::Pages pages) {
  return pages.unlimited() ? UINT64_MAX : pages.bytes();
}

}  // namespace

extern "C" {

WEIR_EXPORT int weir_enter_group(const char* name) {
  return weir::enter_group(name);
}

WEIR_EXPORT int weir_leave_group() {
  return weir::leave_group();
}

WEIR_EXPORT int weir_read_figures(struct weir_figures* figures) {
  const weir::Process& p = weir::process();
  if (figures == nullptr || p.stage.load(std::memory_order_acquire) != weir::Stage::kAttached) {
    return ENOTSUP;
  }
  const weir::GroupNumber group = weir::current_group();
  const weir::ContainerId id =
      p.engine.groups.has(group) ? p.engine.groups.container(group) : p.engine.account.container();
  const weir::Marks marks = weir::marks_of(p.engine.view.container(id));
  const weir::Subtree subtree = weir::Subtree::below(p.engine.view, id);
  *figures = {bytes_of(weir::usage_of(p.engine.view, subtree)), bytes_of(marks.limit), bytes_of(marks.high),
              bytes_of(marks.low), bytes_of(weir::swap_usage_of(p.engine.view, subtree))};
  return 0;
}

WEIR_EXPORT int weir_on_pressure(uint64_t stall_us, uint64_t window_us, weir_pressure_callback callback,
                                 void* context) {
  return weir::set_pressure_callback(weir::process(), stall_us, window_us, callback, context);
}

WEIR_EXPORT int weir_on_kill_warning(uint32_t grace_ms, weir_warning_callback callback, void* context) {
  return weir::set_warning_callback(weir::process(), grace_ms, callback, context);
}
}
