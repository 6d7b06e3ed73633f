// threads_os.h - a process with threads, for what visits each of them.
#pragma once

#include <signal.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "reclaim/growth_watch.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {

// With threads besides the one that watches.
class ThreadsOs : public MachineOs {
 public:
  ThreadsOs() {
    put_file("/proc/" + std::to_string(kSelf) + "/task", "");
  }
  void set_thread(int tid, char state, std::uint64_t minor, std::uint64_t major) {
    tids_.insert(tid);
    put_file("/proc/self/task/" + std::to_string(tid) + "/stat",
             std::to_string(tid) + " (fake) " + state + " 1 1 1 0 -1 0 " + std::to_string(minor) + " 0 " +
                 std::to_string(major) + " 0 0 0 0 0 20 0 2 0 100 0 0\n");
  }
  SysResult list(int, void* buffer, std::size_t) override {
    listed_ = !listed_;
    if (!listed_) {
      return SysResult(0);
    }
    auto* at = static_cast<char*>(buffer);
    for (const int tid : tids_) {
      const std::uint16_t length = 32;  // inode, offset, length, type, name
      std::memset(at, 0, length);
      std::memcpy(at + 16, &length, sizeof(length));
      std::strcpy(at + 19, std::to_string(tid).c_str());
      at += length;
    }
    return SysResult(at - static_cast<char*>(buffer));
  }
  SysResult queue_signal(int tid, int signal, void* cookie) override {
    EXPECT_EQ(signal, SIGTRAP);
    EXPECT_EQ(cookie, GrowthWatch::cookie());
    poked.push_back(tid);
    return SysResult(0);
  }
  std::vector<int> poked;

 private:
  std::set<int> tids_;
  bool listed_ = false;
};

}  // namespace weir::testing
