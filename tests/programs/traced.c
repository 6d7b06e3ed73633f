// traced.c - a debugger's view: a traced child that grows beyond its limit stops at its exec and never again.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "program.h"

static int be_child(char* self) {
  require(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "ptrace");
  execl("/proc/self/exe", self, "grow", (char*)NULL);
  return 127;
}

int main(int argc, char** argv) {
  if (argc > 1) {
    char* memory = malloc(40 * MIB);
    for (uint64_t round = 0; round < 6; ++round) {  // long enough for every timer
      fill(memory, 40 * MIB, round);
      verify(memory, 40 * MIB, round);
    }
    return 0;
  }
  const pid_t child = fork();
  if (child == 0) {
    return be_child(argv[0]);
  }
  int stops = 0, status = 0;
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    ++stops;
    const int signal = WSTOPSIG(status);
    ptrace(PTRACE_CONT, child, NULL, (void*)(intptr_t)(stops == 1 && signal == SIGTRAP ? 0 : signal));
  }
  require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ends well");
  printf("stops %d\n", stops);
  return 0;
}
