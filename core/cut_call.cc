// cut_call.cc - which calls are entered again, and what of them is left to do.
#include "core/cut_call.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <numeric>

#include "core/raw_syscall.h"
#include "core/syscall_site.h"

namespace weir {
namespace {

// The call's arguments, by their place.
struct Arguments {
  long at[6];
};

Arguments arguments_of(const ucontext_t& context) {
  const auto& registers = context.uc_mcontext.gregs;
  return {{registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], registers[REG_R10], registers[REG_R8],
           registers[REG_R9]}};
}

// pselect's last argument: the address of a mask, and its size.
bool has_mask(long pair) {
  return pair != 0 && *reinterpret_cast<const long*>(pair) != 0;
}

// Whether to enter it again is the same as having been interrupted just before.
bool may_restart(long number, const Arguments& arguments) {
  switch (number) {
    case SYS_read:
    case SYS_write:
    case SYS_readv:
    case SYS_writev:
    case SYS_poll:
    case SYS_select:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_epoll_wait:
    case SYS_futex:
    case SYS_accept:
    case SYS_accept4:
    case SYS_sendto:
    case SYS_recvfrom:
    case SYS_sendmsg:
    case SYS_recvmsg:
    case SYS_sendmmsg:
    case SYS_recvmmsg:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_msgsnd:
    case SYS_msgrcv:
    case SYS_io_getevents:
    case SYS_wait4:
    case SYS_waitid:
      return true;
    case SYS_ppoll:
      return arguments.at[3] == 0;
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
      return arguments.at[4] == 0;
    case SYS_pselect6:
      return !has_mask(arguments.at[5]);
    default:
      return false;
  }
}

bool is_whole_recv(long flags) {
  return (flags & MSG_WAITALL) != 0 && (flags & MSG_PEEK) == 0;
}

const msghdr& message_of(const Arguments& arguments) {
  return *reinterpret_cast<const msghdr*>(arguments.at[1]);
}

std::size_t bytes_of(const iovec* parts, std::size_t count) {
  return std::accumulate(parts, parts + count, std::size_t{0},
                         [](std::size_t sum, const iovec& part) { return sum + part.iov_len; });
}

// How many bytes the call was asked for, where it blocks until it has them all; else 0.
std::size_t wanted_by(long number, const Arguments& arguments) {
  switch (number) {
    case SYS_read:
    case SYS_write:
    case SYS_sendto:
      return static_cast<std::size_t>(arguments.at[2]);
    case SYS_recvfrom:
      return is_whole_recv(arguments.at[3]) ? static_cast<std::size_t>(arguments.at[2]) : 0;
    case SYS_getrandom:
      return static_cast<std::size_t>(arguments.at[1]);
    case SYS_writev:
      return bytes_of(reinterpret_cast<const iovec*>(arguments.at[1]), static_cast<std::size_t>(arguments.at[2]));
    case SYS_sendmsg:
      return bytes_of(message_of(arguments).msg_iov, message_of(arguments).msg_iovlen);
    case SYS_recvmsg:  // what came with the first part has been told already
      return is_whole_recv(arguments.at[2]) && message_of(arguments).msg_controllen == 0
                 ? bytes_of(message_of(arguments).msg_iov, message_of(arguments).msg_iovlen)
                 : 0;
    default:
      return 0;
  }
}

// Files end early for reasons of their own, and so do reads from all that is not always ready (mem(4)).
bool goes_on(long number, long descriptor) {
  constexpr unsigned kMemoryDevices = 1;
  struct stat seen = {};
  if (number == SYS_getrandom) {
    return true;
  }
  if (raw_syscall(SYS_fstat, descriptor, sys_arg(&seen)) != 0) {
    return false;
  }
  const bool is_device = S_ISCHR(seen.st_mode);
  return number == SYS_read ? is_device && major(seen.st_rdev) == kMemoryDevices
                            : is_device || S_ISFIFO(seen.st_mode) || S_ISSOCK(seen.st_mode);
}

// What is left of the buffer, or of the first of several that is not done yet.
struct Rest {
  std::size_t skip;
  std::size_t bytes;
  char* data;  // null: of the call's only buffer
};

Rest rest_of(const iovec* part, std::size_t done, std::size_t wanted) {
  if (part == nullptr) {
    return {done, wanted - done, nullptr};
  }
  while (done >= part->iov_len) {
    done -= part->iov_len;
    ++part;
  }
  return {done, part->iov_len - done, static_cast<char*>(part->iov_base) + done};
}

// Asks for it, by the call itself, or by the one that knows a single buffer. Answers as the kernel does.
long ask_for(long number, const Arguments& arguments, const Rest& rest) {
  const auto& at = arguments.at;
  const auto skip = static_cast<long>(rest.skip);
  const auto bytes = static_cast<long>(rest.bytes);
  switch (number) {
    case SYS_getrandom:
      return raw_syscall(number, at[0] + skip, bytes, at[2]);
    case SYS_writev:
      return raw_syscall(SYS_write, at[0], sys_arg(rest.data), bytes);
    case SYS_sendmsg:
      return raw_syscall(SYS_sendto, at[0], sys_arg(rest.data), bytes, at[2]);
    case SYS_recvmsg:
      return raw_syscall(SYS_recvfrom, at[0], sys_arg(rest.data), bytes, at[2]);
    default:
      return raw_syscall(number, at[0], at[1] + skip, bytes, at[3], at[4], at[5]);
  }
}

const iovec* parts_of(long number, const Arguments& arguments) {
  if (number == SYS_writev) {
    return reinterpret_cast<const iovec*>(arguments.at[1]);
  }
  return number == SYS_sendmsg || number == SYS_recvmsg ? message_of(arguments).msg_iov : nullptr;
}

}  // namespace

CutCall::CutCall(ucontext_t& context) : context_(context) {
  auto& registers = context.uc_mcontext.gregs;
  const long result = registers[REG_RAX];
  if (result != -EINTR && result <= 0) {
    return;
  }
  const long number = syscall_number_before(static_cast<std::uintptr_t>(registers[REG_RIP]));
  const Arguments arguments = arguments_of(context);
  if (result == -EINTR && may_restart(number, arguments)) {
    registers[REG_RAX] = number;
    registers[REG_RIP] -= static_cast<greg_t>(kSyscallBytes);
  } else if (result > 0 && static_cast<std::size_t>(result) < wanted_by(number, arguments)) {
    number_ = number;
  }
}

void CutCall::finish() {
  const Arguments arguments = arguments_of(context_);
  if (number_ < 0 || !goes_on(number_, arguments.at[0])) {
    return;
  }
  greg_t& result = context_.uc_mcontext.gregs[REG_RAX];
  const std::size_t wanted = wanted_by(number_, arguments);
  for (bool whole = true; whole && static_cast<std::size_t>(result) < wanted;) {
    const Rest rest = rest_of(parts_of(number_, arguments), static_cast<std::size_t>(result), wanted);
    const long more = ask_for(number_, arguments, rest);
    result += more > 0 ? more : 0;
    whole = more == static_cast<long>(rest.bytes);  // else something else has ended it
  }
}

}  // namespace weir
