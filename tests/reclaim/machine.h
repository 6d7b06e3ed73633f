// machine.h - a small machine for tests of reclaim: pages that come and go, swap that fills, one container.
//
// A page is resident or paged out; PAGEMAP_SCAN, MADV_PAGEOUT, statm and meminfo answer from
// one set, so that what the code believes can be compared with what is.
#pragma once

#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/events.h"
#include "core/stats.h"
#include "reclaim/engine.h"
#include "tests/core/fake_os.h"

namespace weir::testing {

inline constexpr int kSelf = 4242;
inline constexpr std::uintptr_t kHeap = 0x5555'0000'0000;

class MachineOs : public FakeOs {
 public:
  MachineOs() {
    set_clock(1'000'000'000'000);
    use_fake_processes();
    set_pid(kSelf);
    publish();
  }

  // Makes `count` pages from page number `first` of the heap resident.
  void touch(std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t page = first; page < first + count; ++page) {
      resident_.insert(page);
      major_faults_ += static_cast<long>(swapped_.erase(page));
    }
    publish();
  }
  // These pages do not leave, whatever they are told.
  void pin(std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t page = first; page < first + count; ++page) {
      pinned_.insert(page);
    }
  }
  void unpin() {
    pinned_.clear();
  }
  // As in a child that fork has just made.
  void forget_faults() {
    major_faults_ = 0;
  }
  void add_faults(long count) {
    major_faults_ += count;
  }
  void free_pages(std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t page = first; page < first + count; ++page) {
      resident_.erase(page);
    }
    publish();
  }
  void drop_all() {
    resident_.clear();
    publish();
  }
  void page_out_all() {
    swapped_.insert(resident_.begin(), resident_.end());
    drop_all();
  }
  void set_swap_pages(std::uint64_t pages) {
    swap_pages_ = pages;
    publish();
  }
  [[nodiscard]] std::uint64_t resident() const {
    return resident_.size();
  }
  [[nodiscard]] bool is_resident(std::uint64_t page) const {
    return resident_.contains(page);
  }

  [[nodiscard]] std::uint64_t swapped() const {
    return swapped_.size();
  }

  std::vector<int> killed;
  int page_outs = 0;
  bool huge_pages = false;                 // what is resident came so
  bool file_pages = false;                 // some lie between
  bool pinned_by_sharers = true;           // else by being used again at once
  std::vector<AddressRange> wanted_ahead;  // MADV_WILLNEED

  SysResult ioctl(int, unsigned long, void* argument) override {
    struct Region {
      std::uint64_t start, end, categories;
    };
    auto* words = static_cast<std::uint64_t*>(argument);
    const std::uint64_t start = words[2];
    const std::uint64_t end = words[3];
    auto* regions = reinterpret_cast<Region*>(words[5]);
    std::uint64_t count = 0;
    words[4] = end;
    constexpr std::uint64_t kFileMask = 12;  // present and of a file
    constexpr std::uint64_t kSwappedMask = 16;
    const std::uint64_t categories = huge_pages ? 8 + 64 : 8;  // PAGE_IS_PRESENT, PAGE_IS_HUGE
    if (words[9] == kFileMask) {
      return SysResult(file_pages ? 1 : 0);
    }
    for (const std::uint64_t page : words[9] == kSwappedMask ? swapped_ : resident_) {
      const std::uint64_t at = kHeap + page * kPageBytes;
      if (at < start || at >= end) {
        continue;
      }
      if (count > 0 && regions[count - 1].end == at) {
        regions[count - 1].end = at + kPageBytes;
      } else if (count == words[6]) {
        words[4] = at;
        break;
      } else {
        regions[count++] = {at, at + kPageBytes, categories};
      }
    }
    return SysResult(static_cast<long>(count));
  }

  // Words of pagemap for the heap: present, and exclusive.
  SysResult pread(int fd, void* buffer, std::size_t bytes, std::int64_t offset) override {
    constexpr auto kFirst = static_cast<std::int64_t>(kHeap / kPageBytes * 8);
    if (offset < kFirst) {
      return FakeOs::pread(fd, buffer, bytes, offset);
    }
    auto* words = static_cast<std::uint64_t*>(buffer);
    for (std::size_t i = 0; i < bytes / 8; ++i) {
      const std::uint64_t page = static_cast<std::uint64_t>(offset - kFirst) / 8 + i;
      const bool shared = pinned_by_sharers && pinned_.contains(page);
      words[i] = resident_.contains(page) ? std::uint64_t{1} << 63 | (shared ? 0 : std::uint64_t{1} << 56) : 0;
    }
    return SysResult(static_cast<long>(bytes));
  }

  SysResult advise(std::uintptr_t address, std::size_t bytes, int advice) override {
    const int error = begin(Call::kAdvise);
    if (error != 0) {
      return SysResult(-error);
    }
    if (advice == MADV_WILLNEED) {
      wanted_ahead.push_back({address, address + bytes});
      return SysResult(0);
    }
    ++page_outs;
    for (std::uintptr_t at = address; advice == 21 && at < address + bytes; at += kPageBytes) {
      const std::uint64_t page = (at - kHeap) / kPageBytes;
      if (!pinned_.contains(page) && resident_.contains(page) && swapped_.size() < swap_pages_) {
        resident_.erase(page);
        swapped_.insert(page);
      }
    }
    publish();
    return SysResult(0);
  }

  SysResult kill(int pid, int signal) override {
    if (signal == SIGKILL) {
      killed.push_back(pid);
      remove_process(pid);
      if (pid == kSelf) {
        resident_.clear();
      }
    }
    return SysResult(0);
  }

  SysResult usage(struct rusage* out) override {
    if (const int error = begin(Call::kUsage); error != 0) {
      return SysResult(-error);
    }
    *out = {};
    out->ru_majflt = major_faults_;
    return SysResult(0);
  }

 private:
  void publish() {
    FakeProcess self;
    self.resident_pages = resident_.size() + 100;
    self.shared_pages = 100;
    self.swap_kib = swapped_.size() * 4;
    add_process(kSelf, self);
    put_file("/proc/" + std::to_string(kSelf) + "/oom_score_adj", "0\n");
    put_file("/proc/thread-self/pagemap", "");
    put_file("/proc/meminfo",
             "SwapTotal: " + std::to_string(swap_pages_ * 4) + " kB\nSwapFree: " +
                 std::to_string((swap_pages_ - std::min<std::uint64_t>(swap_pages_, swapped_.size())) * 4) + " kB\n");
  }

  std::set<std::uint64_t> resident_;
  std::set<std::uint64_t> swapped_;
  std::set<std::uint64_t> pinned_;
  std::uint64_t swap_pages_ = 1 << 20;
  long major_faults_ = 0;
};

// One container with marks, one member, one engine.
class Machine {
 public:
  explicit Machine(const Marks& marks, OomChoice oom = {}, bool background = true) {
    engine.view.adopt(*registry_);
    fill(marks, oom, background);
    const AttachResult attached = engine.view.attach(os, kSelf, container);
    engine.account.bind(engine.view, attached.id, kSelf);
  }

  // Another member that holds that much, as far as /proc tells.
  void add_member(int pid, std::uint64_t pages, int oom_score_adj) {
    set_member(pid, pages);
    os.put_file("/proc/" + std::to_string(pid) + "/oom_score_adj", std::to_string(oom_score_adj) + "\n");
    const AttachResult attached = engine.view.attach(os, static_cast<std::uint32_t>(pid), container);
    engine.view.book(attached.id).set_charge(static_cast<std::uint32_t>(pid), Pages{pages});
  }

  // It holds another amount by now.
  void set_member(int pid, std::uint64_t pages) {
    FakeProcess other;
    other.comm = "other";
    other.resident_pages = pages;
    os.add_process(pid, other);
  }

  [[nodiscard]] ContainerCounters& counters() const {
    return engine.view.container(container).counters;
  }
  [[nodiscard]] std::vector<Event> events(EventKind kind) const {
    std::vector<Event> found;
    Event event;
    std::uint64_t missed = 0;
    for (std::uint64_t next = 0; read_event(engine.view, next, event, missed);) {
      if (event.kind == kind) {
        found.push_back(event);
      }
    }
    return found;
  }

  MachineOs os;
  Engine engine{os};
  ContainerId container{7};

 private:
  void fill(const Marks& marks, OomChoice oom, bool background) {
    ContainerRecord& record = registry_->containers[container.index];
    std::strcpy(record.name, "box");
    record.limit.store(marks.limit.count);
    record.high_watermark.store(marks.high.count);
    record.low_watermark.store(marks.low.count);
    record.swap_limit.store(UINT64_MAX);
    record.oom_policy.store(static_cast<std::uint32_t>(oom.policy));
    record.oom_pause_seconds.store(oom.pause_seconds);
    record.background.store(background ? 1 : 0);
    record.named.store(1);
    record.state.store(ContainerRecord::kLive);
  }

  std::unique_ptr<Registry> registry_ = std::make_unique<Registry>();
};

inline constexpr Marks kMarks{Pages{4096}, Pages{3584}, Pages{3072}};

}  // namespace weir::testing
