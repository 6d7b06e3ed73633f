// syscall_site.cc - backwards over a few plain moves to `mov $number,%eax`.
#include "core/syscall_site.h"

#include <sys/syscall.h>
#include <sys/uio.h>

#include <cstring>

#include "core/raw_syscall.h"
#include "core/units.h"

namespace weir {
namespace {

constexpr std::uint8_t kFirstRex = 0x40;
constexpr std::uint8_t kLastRex = 0x4f;
// How long an instruction's operands are, from ModRM on; 0 for the rare forms.
std::size_t operand_bytes(const std::uint8_t* at, std::size_t bytes) {
  const int mode = at[0] >> 6;
  const int memory = at[0] & 7;
  const bool has_index = mode != 3 && memory == 4;
  const bool is_rare = mode == 0 && (memory == 5 || (has_index && bytes > 1 && (at[1] & 7) == 5));
  constexpr std::size_t kDisplacement[] = {0, 1, 4, 0};
  return is_rare ? 0 : 1 + (has_index ? 1 : 0) + kDisplacement[mode];
}

// The length of an instruction that moves a register, a constant or a word of memory to a register other than
// eax; else 0.
std::size_t plain_move(const std::uint8_t* at, std::size_t bytes) {
  const bool has_rex = bytes > 0 && at[0] >= kFirstRex && at[0] <= kLastRex;
  const std::uint8_t rex = has_rex ? at[0] : 0;
  const std::size_t start = has_rex ? 1 : 0;
  if (bytes < start + 2) {
    return 0;
  }
  const std::uint8_t code = at[start];
  const std::uint8_t operands = at[start + 1];
  const int first = (operands >> 3 & 7) | (rex & 4) << 1;
  const int last = (operands & 7) | (rex & 1) << 3;
  const bool to_last = (code == 0x89 || code == 0x31) && operands >> 6 == 3;  // mov, xor between registers
  if (to_last || code == 0x8b || (code == 0x33 && operands >> 6 == 3)) {
    const std::size_t length = operand_bytes(at + start + 1, bytes - start - 1);
    return (to_last ? last : first) != 0 && length != 0 ? start + 1 + length : 0;
  }
  const bool is_constant = code >= 0xb8 && code <= 0xbf && (rex & 8) == 0;
  const bool is_eax = code == 0xb8 && (rex & 1) == 0;
  return is_constant && !is_eax ? start + 5 : 0;
}

// Whether from `at` to `end` there is nothing but such moves.
bool only_moves(const std::uint8_t* at, const std::uint8_t* end) {
  while (at < end) {
    const std::size_t bytes = plain_move(at, static_cast<std::size_t>(end - at));
    if (bytes == 0 || bytes > static_cast<std::size_t>(end - at)) {
      return false;
    }
    at += bytes;
  }
  return true;
}

}  // namespace

long syscall_number(const std::uint8_t* code, std::size_t bytes) {
  if (bytes < kSyscallBytes || code[bytes - 2] != 0x0f || code[bytes - 1] != 0x05) {
    return -1;
  }
  const std::uint8_t* const end = code + bytes - kSyscallBytes;
  for (const std::uint8_t* at = end; at > code;) {
    --at;
    if (at == code || (at[-1] >= kFirstRex && at[-1] <= kLastRex)) {
      continue;  // it would be another register: of that
    }
    if (end - at >= 2 && (at[0] == 0x31 || at[0] == 0x33) && at[1] == 0xc0 && only_moves(at + 2, end)) {
      return 0;  // xor %eax,%eax
    }
    std::uint32_t number = 0;
    if (end - at >= 5 && at[0] == 0xb8 && only_moves(at + 5, end)) {
      std::memcpy(&number, at + 1, sizeof(number));
      return static_cast<long>(number);
    }
  }
  return -1;
}

long syscall_number_before(std::uintptr_t counter) {
  const std::uintptr_t begin = counter - kMostSiteBytes;
  if ((begin ^ (counter - 1)) < kPageBytes) {
    return syscall_number(reinterpret_cast<const std::uint8_t*>(begin), kMostSiteBytes);
  }
  std::uint8_t code[kMostSiteBytes];
  iovec to = {code, sizeof(code)};
  iovec from = {reinterpret_cast<void*>(begin), sizeof(code)};
  const long copied = raw_syscall(SYS_process_vm_readv, raw_syscall(SYS_getpid), sys_arg(&to), 1, sys_arg(&from), 1, 0);
  return copied == static_cast<long>(sizeof(code)) ? syscall_number(code, sizeof(code)) : -1;
}

}  // namespace weir
