// registry_guard.cc - a SIGBUS handler, told apart by the address.
#include "tools/registry_guard.h"

#include <unistd.h>
#include <csignal>

#include <string_view>

#include "core/lost_registry.h"
#include "tools/say.h"

namespace weir {
namespace {

Registry* guarded = nullptr;
OnLoss what_then = OnLoss::kFail;

[[noreturn]] void fail_at_once() {
  constexpr std::string_view kLine = "weir: the registry was cut short while in use\n";
  static_cast<void>(!::write(STDERR_FILENO, kLine.data(), kLine.size()));
  ::_exit(static_cast<int>(ExitStatus::kFailed));
}

void on_bus(int signal, siginfo_t* info, void*) {
  if (info->si_code > 0 && replace_lost(*guarded, reinterpret_cast<std::uintptr_t>(info->si_addr))) {
    if (what_then == OnLoss::kFail) {
      fail_at_once();
    }
    return;
  }
  ::signal(signal, SIG_DFL);  // a fault comes again
  if (info->si_code <= 0) {
    ::raise(signal);
  }
}

}  // namespace

void guard_registry(Registry& registry, OnLoss on_loss) {
  guarded = &registry;
  what_then = on_loss;
  struct sigaction action = {};
  action.sa_sigaction = on_bus;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace weir
