// vfork_signals.c - a vfork child sets all signals back before its exec, as spawning in many languages does: its
// parent's handlers and mask are as before.
#include <signal.h>
#include <sys/wait.h>

#include "program.h"

static volatile int handled;

static void on_signal(int signal) {
  handled += signal;
}

static void expect_handler(int signal) {
  struct sigaction now;
  require(sigaction(signal, NULL, &now) == 0 && now.sa_handler == on_signal, "the handler is the parent's");
  handled = 0;
  require(raise(signal) == 0 && handled == signal, "it was called");
}

int main(void) {
  const struct sigaction action = {.sa_handler = on_signal};
  require(sigaction(SIGBUS, &action, NULL) == 0 && sigaction(SIGTRAP, &action, NULL) == 0, "sigaction");
  char* memory = malloc(40 * MIB);
  fill(memory, 40 * MIB, 1);
  const pid_t child = vfork();
  if (child == 0) {
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int signal = 1; signal < NSIG; ++signal) {
      sigaction(signal, &standard, NULL);
    }
    execl("/bin/true", "true", (char*)NULL);
    _exit(127);
  }
  int status = -1;
  require(waitpid(child, &status, 0) == child && status == 0, "the child ran");
  expect_handler(SIGBUS);
  expect_handler(SIGTRAP);
  verify(memory, 40 * MIB, 1);
  puts("ok");
  return 0;
}
