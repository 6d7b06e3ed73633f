// interrupt.cc - one handler, one word.
#include "tools/interrupt.h"

#include <atomic>
#include <csignal>

namespace weir {
namespace {

std::atomic<int> last_signal{0};

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int signal) { last_signal.store(signal); };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

int interrupted() {
  return last_signal.load();
}

}  // namespace weir
