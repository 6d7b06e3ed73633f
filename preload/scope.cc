// scope.cc - a depth, and the mask that the program's thread had before, per thread.
#include "preload/scope.h"

#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <cstring>

#include "core/raw_syscall.h"

namespace weir {
namespace {

constexpr long kMaskBytes = 8;
constexpr std::uint64_t kNobody = ~std::uint64_t{0};

[[gnu::tls_model("initial-exec")]] constinit thread_local int depth_inside = 0;
// What the program blocks here by itself.
[[gnu::tls_model("initial-exec")]] constinit thread_local std::uint64_t blocked_by_program = kNobody;

constexpr std::uint64_t bit_of(int signal) {
  return std::uint64_t{1} << static_cast<unsigned>(signal - 1);
}

// Faults are the calling thread's at once: blocked they kill. SIGTRAP is ours. With the last a thread that changes its
// user asks all others, and waits for them (glibc's SIGSETXID).
constexpr int kSetUser = 33;
constexpr std::uint64_t kClosed =
    ~(bit_of(SIGBUS) | bit_of(SIGSEGV) | bit_of(SIGILL) | bit_of(SIGFPE) | bit_of(SIGTRAP) | bit_of(kSetUser));

std::uint64_t change_raw_mask(int how, std::uint64_t mask) {
  std::uint64_t before = 0;
  raw_syscall(SYS_rt_sigprocmask, how, sys_arg(&mask), sys_arg(&before), kMaskBytes);
  return before;
}

// Blocked it is pending all the same, and gone as soon as it is not (kernel/signal.c: sig_ignored).
bool is_ignored(int signal) {
  constexpr std::uint64_t kIgnoredByDefault = bit_of(SIGCHLD) | bit_of(SIGCONT) | bit_of(SIGURG) | bit_of(SIGWINCH);
  struct {
    void (*handler)(int) = nullptr;
    unsigned long flags = 0;
    void (*restorer)() = nullptr;
    std::uint64_t mask = 0;
  } action;  // struct sigaction as the kernel has it
  raw_syscall(SYS_rt_sigaction, signal, 0, sys_arg(&action), kMaskBytes);
  return action.handler == SIG_IGN || (action.handler == SIG_DFL && (bit_of(signal) & kIgnoredByDefault) != 0);
}

}  // namespace

bool inside_weir() {
  return depth_inside != 0;
}

WeirScope::WeirScope() {
  ++depth_inside;
}
WeirScope::~WeirScope() {
  --depth_inside;
}

// Inside it is only with its signals blocked: one that comes before, or has waited, may leave by a jump.
ClosedScope::ClosedScope() : before_(change_raw_mask(SIG_BLOCK, kClosed)), noted_before_(blocked_by_program) {
  blocked_by_program = before_;
  ++depth_inside;
}
ClosedScope::~ClosedScope() {
  --depth_inside;
  blocked_by_program = noted_before_;
  change_raw_mask(SIG_SETMASK, before_);
}

HandlerScope::HandlerScope(const void* context) : noted_before_(blocked_by_program) {
  std::memcpy(&blocked_by_program, &static_cast<const ucontext_t*>(context)->uc_sigmask, sizeof(blocked_by_program));
  if ((blocked_by_program & bit_of(SIGBUS)) != 0) {
    change_raw_mask(SIG_UNBLOCK, bit_of(SIGBUS));  // what we touch may be lost, whatever the program blocks
  }
}
HandlerScope::~HandlerScope() {
  blocked_by_program = noted_before_;
}

bool signal_waits() {
  std::uint64_t pending = 0;
  raw_syscall(SYS_rt_sigpending, sys_arg(&pending), kMaskBytes);
  for (std::uint64_t left = pending & kClosed & ~blocked_by_program; left != 0; left &= left - 1) {
    if (!is_ignored(__builtin_ctzll(left) + 1)) {
      return true;
    }
  }
  return false;
}

}  // namespace weir
