// exec_chain.c - grows, becomes itself by exec, and again: the pid stays, the memory goes.
#include "program.h"

int main(int argc, char** argv) {
  const size_t left = number_argument(argc, argv, 1, 8);
  char* memory = malloc(24 * MIB);
  require(memory != NULL, "malloc");
  fill(memory, 24 * MIB, left);
  verify(memory, 24 * MIB, left);
  if (left != 0) {
    char next[24];
    snprintf(next, sizeof(next), "%zu", left - 1);
    execl("/proc/self/exe", argv[0], next, (char*)NULL);
    require(0, "exec");
  }
  puts("ok");
  return 0;
}
