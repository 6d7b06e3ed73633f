// valgrind.h - whether the program runs under valgrind.
//
// Faults of the simulator's own count as the program's there, and end it: it takes no signal for them. What we call the
// kernel for it does not know.
#pragma once

namespace weir {

// By a client request, as valgrind.h has them (their form is promised never to change): four turns of a register that
// come to nothing, and an exchange of one with itself, which only the simulator takes for a question. Any thread, any
// time; some cycles.
inline bool runs_under_valgrind() {
  constexpr unsigned long kRunningOnValgrind = 0x1001;
  const unsigned long request[6] = {kRunningOnValgrind, 0, 0, 0, 0, 0};
  unsigned long depth = 0;
  asm volatile(
      "rolq $3, %%rdi; rolq $13, %%rdi\n\t"
      "rolq $61, %%rdi; rolq $51, %%rdi\n\t"
      "xchgq %%rbx, %%rbx"
      : "+d"(depth)
      : "a"(&request[0])
      : "cc", "memory");
  return depth != 0;
}

}  // namespace weir
