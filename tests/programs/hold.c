// hold.c - grows to a size, says "ready", and holds until its input ends.
#include "program.h"

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 24) * MIB;
  char* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  fill(memory, bytes, 3);
  puts("ready");
  fflush(stdout);
  char unused;
  while (read(0, &unused, 1) > 0) {
  }
  verify(memory, bytes, 3);
  free(memory);
  puts("ok");
  return 0;
}
