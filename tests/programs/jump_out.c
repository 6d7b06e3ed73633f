// jump_out.c - a timer's handler leaves by siglongjmp from wherever it interrupted the filling of memory, 200 times.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "program.h"

static sigjmp_buf start;
static volatile int jumps;

static void on_alarm(int signal) {
  (void)signal;
  siglongjmp(start, 1);
}

int main(void) {
  const size_t bytes = 48 * MIB;
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  struct sigaction action = {.sa_handler = on_alarm};
  require(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
  const struct itimerval often = {{0, 0}, {0, 1500}};
  if (sigsetjmp(start, 1) != 0) {
    ++jumps;
  }
  while (jumps < 200) {
    require(setitimer(ITIMER_REAL, &often, NULL) == 0, "setitimer");
    fill(memory, bytes, 1);
  }
  const struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &never, NULL);
  fill(memory, bytes, 2);
  verify(memory, bytes, 2);
  puts("ok");
  return 0;
}
