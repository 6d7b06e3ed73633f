// cut_call.h - a system call that a signal of ours has cut short goes on, as if the signal had come before it.
//
// SA_RESTART is not enough: poll, select, nanosleep, epoll_wait and a few others end with EINTR under any
// handler, and a blocking write, send or recv(MSG_WAITALL) that has done a part returns the part (signal(7)).
// No program that has no handlers expects either.
//
// What is entered again waits for its whole timeout once more. Calls with a signal mask of their own
// (ppoll, pselect, sigsuspend) are left alone: who uses them counts on EINTR, and must not miss it.
// So are those whose number cannot be told (syscall_site.h: syscall(2) itself, Go's).
#pragma once

#include <ucontext.h>

#include <cstdint>

namespace weir {

// For the handler of a signal that only we send. All signals are to be blocked from its delivery until this is
// made: another handler, run in between, would be taken for having run before the call.
class CutCall {
 public:
  // What ended with EINTR will be entered again when the handler returns.
  explicit CutCall(ucontext_t& context);

  // What was done in part is done to its end. Blocks as the call itself would: call it last, with the program's
  // signals open (ours still blocked), one of which may end it as it would have ended the call.
  void finish();

 private:
  ucontext_t& context_;
  long number_ = -1;  // of a call that is unfinished
};

}  // namespace weir
