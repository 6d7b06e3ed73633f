// start.cc - the library's constructor and destructor, fork handlers, and the dlopen tail jump.
#include <dlfcn.h>
#include <signal.h>

#include "preload/process.h"
#include "preload/real.h"
#include "preload/signals.h"

extern "C" int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(), void* dso);
extern "C" [[gnu::visibility("hidden")]] void* __dso_handle;

namespace {

constexpr int kDefaultDumpOffset = 2;

void in_fork_child() {
  weir::restart_in_child();
}

[[gnu::constructor]] void start() {
  weir::start_process();
  const weir::Process& p = weir::process();
  if (p.stage.load(std::memory_order_acquire) != weir::Stage::kAttached) {
    return;
  }
  // After jemalloc's own handlers, so that in the child malloc works again when ours runs.
  __register_atfork(nullptr, nullptr, in_fork_child, &__dso_handle);
  weir::install_dump_signal(p.options.dump_signal != 0 ? p.options.dump_signal : SIGRTMAX - kDefaultDumpOffset);
}

[[gnu::destructor]] void stop() {
  weir::end_process();
}

}  // namespace

extern "C" {

// RTLD_DEEPBIND would give a plug-in libc's malloc beside ours, and each would free the other's
// memory. The bit is cleared in a tail jump: from a C wrapper ld.so would take us for the
// caller and search our RUNPATH instead of the program's.
[[gnu::visibility("hidden"), gnu::used]] void* weir_find_dlopen() {
  static constinit weir::RealFunction<void*(const char*, int)> real{"dlopen"};
  return reinterpret_cast<void*>(real.get());
}

__asm__(
    ".text\n"
    ".globl dlopen\n"
    ".type dlopen,@function\n"
    "dlopen:\n"
    "  andl $~8, %esi\n"
    "  pushq %rdi\n"
    "  pushq %rsi\n"
    "  subq $8, %rsp\n"
    "  call weir_find_dlopen\n"
    "  addq $8, %rsp\n"
    "  popq %rsi\n"
    "  popq %rdi\n"
    "  jmp *%rax\n"
    ".size dlopen, .-dlopen\n");
}
