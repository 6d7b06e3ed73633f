// interrupt.cc - one handler, one word.
#include "tools/interrupt.h"

#include <atomic>
#include <csignal>
#include <initializer_list>

namespace weir {
namespace {

std::atomic<int> last_signal{0};

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int signal) { last_signal.store(signal); };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) {  // by nohup, or by a shell for its background
      ::sigaction(signal, &action, nullptr);
    }
  }
}

int interrupted() {
  return last_signal.load();
}

}  // namespace weir
