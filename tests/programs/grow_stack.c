// grow_stack.c - grows the main stack by deep recursion and finds every frame as it left it.
#include <sys/resource.h>

#include "program.h"

static uint64_t descend(size_t depth) {
  uint64_t frame[1024];
  fill(frame, sizeof(frame), depth);
  const uint64_t below = depth == 0 ? 0 : descend(depth - 1);
  verify(frame, sizeof(frame), depth);
  return below + 1;
}

int main(int argc, char** argv) {
  const size_t mib = number_argument(argc, argv, 1, 40);
  struct rlimit limit;
  require(getrlimit(RLIMIT_STACK, &limit) == 0, "getrlimit");
  limit.rlim_cur = (mib + 8) * MIB;
  require(setrlimit(RLIMIT_STACK, &limit) == 0, "setrlimit");
  const size_t frames = mib * MIB / (1024 * 8);
  require(descend(frames - 1) == frames, "as many frames as asked for");
  puts("ok");
  return 0;
}
