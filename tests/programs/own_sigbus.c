// own_sigbus.c - a program with a SIGBUS handler of its own, as one that maps files has, gets its own and sees only its
// own.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "program.h"

enum { kPage = 4096 };

static sigjmp_buf back;
static char* mapped;
static volatile sig_atomic_t raised;

static void on_bus(int signal, siginfo_t* info, void* context) {
  (void)context;
  require(signal == SIGBUS, "the right signal");
  if (info->si_code <= 0) {
    ++raised;
    return;
  }
  require(info->si_code == BUS_ADRERR && (char*)info->si_addr == mapped + kPage, "the fault's own address");
  siglongjmp(back, 1);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
  struct sigaction old;
  char* memory = malloc(40 * MIB);
  fill(memory, 40 * MIB, 1);
  require(sigaction(SIGBUS, &action, &old) == 0 && old.sa_handler == SIG_DFL, "the handler before was none");
  FILE* file = tmpfile();
  require(file != NULL && ftruncate(fileno(file), kPage) == 0, "a file");
  mapped = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
  require(mapped != MAP_FAILED, "mmap");
  volatile int faults = 0;
  if (sigsetjmp(back, 1) == 0) {
    mapped[kPage] = 1;
    require(0, "beyond the end of a file there is no memory");
  } else {
    ++faults;
  }
  require(faults == 1, "one fault, one call");
  raise(SIGBUS);
  require(raised == 1, "raise reaches the handler");
  require(sigaction(SIGBUS, NULL, &old) == 0 && old.sa_sigaction == on_bus, "the handler set is the one seen");
  signal(SIGBUS, SIG_IGN);
  raise(SIGBUS);
  require(raised == 1, "an ignored one is ignored");
  verify(memory, 40 * MIB, 1);
  puts("ok");
  return 0;
}
