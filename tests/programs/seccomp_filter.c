// seccomp_filter.c - a sandboxed program: every system call beyond a short list is answered by a kill.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "program.h"

#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

// What a sandboxed worker keeps: memory, output, waiting, signals' return, the end.
static struct sock_filter kFilter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    ALLOW(read),
    ALLOW(write),
    ALLOW(mmap),
    ALLOW(munmap),
    ALLOW(mprotect),
    ALLOW(madvise),
    ALLOW(brk),
    ALLOW(futex),
    ALLOW(rt_sigreturn),
    ALLOW(rt_sigprocmask),
    ALLOW(clock_gettime),
    ALLOW(newfstatat),
    ALLOW(exit),
    ALLOW(exit_group),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

int main(int argc, char** argv) {
  const size_t before = number_argument(argc, argv, 1, 1) * MIB;
  const size_t after = number_argument(argc, argv, 2, 40) * MIB;
  char* first = malloc(before);
  fill(first, before, 1);
  const struct sock_fprog program = {sizeof(kFilter) / sizeof(kFilter[0]), kFilter};
  require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    puts("no seccomp");
    return 77;
  }
  char* second = malloc(after);
  require(second != NULL, "malloc");
  fill(second, after, 2);
  verify(first, before, 1);
  verify(second, after, 2);
  puts("ok");
  return 0;
}
