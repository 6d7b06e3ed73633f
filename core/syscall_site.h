// syscall_site.h - which system call an interrupted thread has just come back from.
//
// A signal handler is told the registers, but the kernel keeps the call's number (orig_rax) to itself:
// it is read from the instruction that loaded it. Compilers put that right before `syscall`, or a
// move or two ahead of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

inline constexpr std::size_t kSyscallBytes = 2;
inline constexpr std::size_t kMostSiteBytes = 24;

// `code` are the bytes before the program counter, the nearest last. -1: they do not end in `syscall`, or
// where its number comes from cannot be told. Safe in signal handlers.
long syscall_number(const std::uint8_t* code, std::size_t bytes);

// The same for a program counter of this process. Where a page begins in between, the kernel copies the bytes: the
// page before may not be there.
long syscall_number_before(std::uintptr_t counter);

}  // namespace weir
