// own_image.c - prints what a program can see of itself: descriptors, threads, signal state, limits. Nothing of it may
// change by being watched.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "program.h"

static void print_descriptors(void) {
  for (int fd = 0; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) {
      printf("descriptor %d\n", fd);
    }
  }
}

static void print_signals(void) {
  sigset_t mask;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  for (int signal = 1; signal < 32; ++signal) {
    struct sigaction action;
    if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL) {
      printf("handler of signal %d\n", signal);
    }
    if (sigismember(&mask, signal) == 1) {
      printf("blocked signal %d\n", signal);
    }
  }
}

static void print_limits(void) {
  for (int which = 0; which < RLIM_NLIMITS; ++which) {
    struct rlimit limit;
    if (getrlimit((unsigned)which, &limit) == 0) {
      printf("limit %d %llu\n", which, (unsigned long long)limit.rlim_cur);
    }
  }
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 0) * MIB;
  char* memory = malloc(bytes + 8);
  fill(memory, bytes, 1);
  print_descriptors();
  print_signals();
  print_limits();
  if (bytes == 0) {
    printf("threads %ld\n", status_number("/proc/self/status", "Threads:"));
  }
  errno = 0;
  printf("next descriptor %d\n", open("/dev/null", O_RDONLY));
  verify(memory, bytes, 1);
  return 0;
}
