// borrowed_signal.cc - the chain from our handlers to the program's own.
#include "preload/borrowed_signal.h"

#include <sys/syscall.h>
#include <ucontext.h>

#include <cstdint>
#include <cstring>

#include "core/os.h"
#include "core/raw_syscall.h"
#include "preload/real.h"

namespace weir {
namespace {

bool has_flag(const struct sigaction& action, unsigned flag) {
  return (static_cast<unsigned>(action.sa_flags) & flag) != 0;
}

std::uint64_t bit_of(int signal) {
  return signal == 0 ? 0 : std::uint64_t{1} << static_cast<unsigned>(signal - 1);
}

}  // namespace

bool BorrowedSignal::take(InfoHandler handler, const sigset_t& blocked) {
  if (is_taken()) {
    return true;
  }
  struct sigaction old = {};
  if (real_sigaction(number_, nullptr, &old) != 0) {
    return false;
  }
  set(old);
  taken_.store(true, std::memory_order_release);
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  action.sa_mask = blocked;
  return real_sigaction(number_, &action, nullptr) == 0;
}

void BorrowedSignal::set(const struct sigaction& action) {
  const unsigned next = number_in_force_.load(std::memory_order_relaxed) + 1;
  actions_[next & 1] = action;
  number_in_force_.store(next, std::memory_order_release);
}

void BorrowedSignal::exchange(const struct sigaction* action, struct sigaction* old) {
  const struct sigaction wanted = action != nullptr ? *action : (struct sigaction){};  // the two may be one
  if (old != nullptr) {
    *old = current();
  }
  if (action != nullptr) {
    set(wanted);
  }
}

// A fault comes again when the handler returns, and then tells the truth about where it was; a trap does not.
void BorrowedSignal::do_default(const siginfo_t* info) const {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  real_sigaction(number_, &action, nullptr);
  if (number_ != SIGBUS || info->si_code <= 0) {
    static_cast<void>(raw_os().tgkill(raw_os().pid(), raw_os().tid(), number_));
  }
}

void BorrowedSignal::pass_on(siginfo_t* info, void* context) {
  const struct sigaction action = current();
  const bool takes_info = has_flag(action, SA_SIGINFO);
  const bool is_fault = number_ == SIGBUS && info->si_code > 0;  // which cannot be ignored
  if (!takes_info && action.sa_handler == SIG_IGN && !is_fault) {
    return;
  }
  if (!takes_info && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)) {
    do_default(info);
    return;
  }
  if (has_flag(action, SA_RESETHAND)) {
    struct sigaction reset = {};
    reset.sa_handler = SIG_DFL;
    set(reset);
  }
  restore_mask(context, has_flag(action, SA_NODEFER) ? 0 : number_, 0);
  sigset_t before;
  real_sigmask(SIG_BLOCK, &action.sa_mask, &before);
  if (takes_info) {
    action.sa_sigaction(number_, info, context);
  } else {
    action.sa_handler(number_);
  }
  real_sigmask(SIG_SETMASK, &before, nullptr);
}

void restore_mask(const void* context, int closed, int opened) {
  constexpr long kMaskBytes = 8;
  std::uint64_t mask = 0;
  std::memcpy(&mask, &static_cast<const ucontext_t*>(context)->uc_sigmask, sizeof(mask));
  mask = (mask | bit_of(closed)) & ~bit_of(opened);
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, sys_arg(&mask), 0, kMaskBytes);
}

}  // namespace weir
