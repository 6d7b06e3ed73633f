// dump_and_leave.c - grows, raises the given signal and is gone at once, with nothing flushed or waited for.
#include <signal.h>
#include <unistd.h>

#include "program.h"

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 40) * MIB;
  const int signal = (int)number_argument(argc, argv, 2, 0);
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 1);
  verify(memory, bytes, 1);
  if (signal != 0) {
    require(raise(signal) == 0, "raise");
  }
  _exit(0);
}
