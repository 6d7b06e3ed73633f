// scope.h - while a thread is inside weir: hooks and signals pass it by, and the program's handlers wait.
//
// A handler may leave by siglongjmp, and may want more stack than an alternate one has beside ours. Run in the midst of
// a charge it would leave behind what that holds, and "inside" with it: the thread's limit would hold no longer. So the
// program's signals stay blocked until we are done, and whoever waits for room goes on as soon as there is one.
#pragma once

#include <cstdint>

namespace weir {

// True while this thread is inside weir: hooks and signals then pass it by.
bool inside_weir();

// Marks the calling thread as inside weir. For threads of our own, and for handlers of ours.
class WeirScope {
 public:
  WeirScope();
  ~WeirScope();
  WeirScope(const WeirScope&) = delete;
  WeirScope& operator=(const WeirScope&) = delete;
};

// The same for a program's thread that called us: blocks its signals meanwhile.
class ClosedScope {
 public:
  ClosedScope();
  ~ClosedScope();
  ClosedScope(const ClosedScope&) = delete;
  ClosedScope& operator=(const ClosedScope&) = delete;

 private:
  std::uint64_t before_;
  std::uint64_t noted_before_;
};

// In a handler of ours, to which all signals are blocked: what the thread blocked when it was interrupted.
class HandlerScope {
 public:
  explicit HandlerScope(const void* context);
  ~HandlerScope();
  HandlerScope(const HandlerScope&) = delete;
  HandlerScope& operator=(const HandlerScope&) = delete;

 private:
  std::uint64_t noted_before_;
};

// In one of the two: the program has a signal that waits for this thread.
bool signal_waits();

}  // namespace weir
