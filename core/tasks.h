// tasks.h - the threads of a process, and its children, as /proc lists them.
#pragma once

#include <cstdint>

#include "core/os.h"

namespace weir {

class ThreadVisitor {
 public:
  // False: no more.
  virtual bool visit(int tid) = 0;

 protected:
  ~ThreadVisitor() = default;
};

// Calls `visit` with each thread id of a process, the caller's among them when it is its own; the
// first thread's too where it has ended and others live. 0 or an errno. Safe in signal handlers.
int each_thread(Os& os, std::uint32_t pid, ThreadVisitor& visitor);

// The same for its child processes. ENOENT where the kernel was built without CONFIG_PROC_CHILDREN.
int each_child(Os& os, std::uint32_t pid, ThreadVisitor& visitor);

}  // namespace weir
