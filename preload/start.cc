// start.cc - the library's constructor, destructor and fork handlers.
#include <signal.h>

#include "preload/own_image.h"
#include "preload/own_title.h"
#include "preload/process.h"
#include "preload/program_calls.h"
#include "preload/signals.h"

extern "C" int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(), void* dso);
extern "C" [[gnu::visibility("hidden")]] void* __dso_handle;

namespace {

constexpr int kDefaultDumpOffset = 2;

void in_fork_child() {
  weir::restart_in_child();
}

void before_fork() {
  const weir::Process& p = weir::process();
  const bool is_attached = p.stage.load(std::memory_order_acquire) == weir::Stage::kAttached;
  if (is_attached && (p.engine.reclaimer_runs.load(std::memory_order_relaxed) || p.engine.shares_inherited()))
      [[unlikely]] {
    weir::make_room_for_fork();
  }
}

void in_fork_parent() {
  weir::Engine& engine = weir::process().engine;
  engine.forked_ns.store(engine.os.now_ns(), std::memory_order_relaxed);
}

[[gnu::constructor]] void start(int argc, char** argv, char** envp) {
  weir::note_arguments(argc, argv);
  weir::start_process();
  const weir::Process& p = weir::process();
  if (p.stage.load(std::memory_order_acquire) != weir::Stage::kAttached) {
    return;
  }
  if (p.options.processes.count > 0) {
    weir::note_title_area(argc, argv, envp);
  }
  // After jemalloc's own handlers, so that in the child malloc works again when ours runs.
  __register_atfork(before_fork, in_fork_parent, in_fork_child, &__dso_handle);
  weir::install_dump_signal(p.options.dump_signal != 0 ? p.options.dump_signal : SIGRTMAX - kDefaultDumpOffset);
}

[[gnu::destructor]] void stop() {
  weir::end_process();
}

}  // namespace
