// raw_syscall.h - system calls by instruction: no libc wrapper, no errno, no cancellation point.
//
// x86-64 only, as the whole project is for now (the fault meter and the assembly tail jumps
// know this machine). Safe in signal handlers.
#pragma once

#if !defined(__x86_64__)
#error "weir knows x86-64 Linux only"
#endif

namespace weir {

// The kernel's own answer: a value, or minus errno. Arguments beyond those given are 0.
inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result = 0;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

// A pointer as a system-call argument.
inline long sys_arg(const volatile void* pointer) {
  return reinterpret_cast<long>(pointer);
}

}  // namespace weir
