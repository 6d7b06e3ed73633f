// reclaim_ask.cc - requests in the members' records, their answers, and process_madvise for the mute.
#include "tools/reclaim_ask.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "core/proc.h"
#include "core/wake.h"
#include "reclaim/pagemap.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

namespace weir {
namespace {

constexpr std::int64_t kTurnNs = 50'000'000;
// A member that gives nothing back for so long is not waited for any more.
constexpr int kMostIdleTurns = 40;

struct Asked {
  MemberId id;
  std::uint32_t pid = 0;
  Pages charge;
  Pages wanted;
  Pages done;
  int idle_turns = 0;
  bool answered = false;
  bool served = false;  // by itself: its reasons are in its record
};

// Whether /proc/PID/status says that the process catches `signal`: the default action would kill.
bool catches(std::uint32_t pid, std::uint32_t signal) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigCgt:")) {
      const std::uint64_t mask = std::stoull(line.substr(7), nullptr, 16);
      return signal >= 1 && signal <= 64 && ((mask >> (signal - 1)) & 1) != 0;
    }
  }
  return false;
}

// Whether our library is in that process now: an exec of a static binary leaves the place behind.
bool runs_our_code(std::uint32_t pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("libweir.so") != std::string::npos) {
      return true;
    }
  }
  return false;
}

bool is_stopped(Os& os, std::uint32_t pid) {
  ProcessStat stat;
  return read_process_stat(os, pid, stat) == 0 && (stat.state == 'T' || stat.state == 't');
}

// Puts the request into the member's record and wakes whoever serves it.
bool send_request(Os& os, RegistryView& view, const Asked& member) {
  MemberRecord& record = view.member(member.id);
  MemberRecord& actor = view.member(actor_of(view, member.id, member.pid));
  if (is_stopped(os, member.pid) || !runs_our_code(member.pid)) {
    return false;
  }
  const bool has_reclaimer = actor.reclaimer_tid.load(std::memory_order_acquire) != 0;
  const std::uint32_t signal = record.dump_signal.load(std::memory_order_acquire);
  if (!has_reclaimer && (signal == 0 || !catches(member.pid, signal))) {
    return false;
  }
  record.reclaim_done.store(0, std::memory_order_relaxed);
  record.reclaim_wanted.store(member.wanted.count, std::memory_order_relaxed);
  std::uint32_t none = 0;
  if (!record.request.compare_exchange_strong(none, kRequestReclaim, std::memory_order_acq_rel)) {
    return false;
  }
  if (has_reclaimer) {
    wake_reclaimer_of(os, actor);
    return true;
  }
  return os.kill(static_cast<int>(member.pid), static_cast<int>(signal)).ok();
}

// Gathers runs of pages into calls of process_madvise.
class ForeignPageOut final : public RunVisitor {
 public:
  ForeignPageOut(int pidfd, Pages wanted) : pidfd_(pidfd), wanted_(wanted) {}
  bool visit(const PageRun& run) override {
    const Pages most = wanted_ - asked_;
    const std::size_t bytes = std::min(run.range.bytes(), static_cast<std::size_t>(most.bytes()));
    const struct iovec piece = {reinterpret_cast<void*>(run.range.begin), bytes};
    if (::syscall(SYS_process_madvise, pidfd_, &piece, 1, MADV_PAGEOUT, 0) < 0) {
      return false;
    }
    asked_ = asked_ + Pages{bytes / kPageBytes};
    return asked_ < wanted_;
  }

 private:
  int pidfd_;
  Pages wanted_;
  Pages asked_;
};

// Pages out of a process that cannot do it itself. What left, by the kernel's count.
Pages page_out_foreign(Os& os, const Asked& member) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, member.pid, 0));
  if (pidfd < 0) {
    return Pages::none();
  }
  ScanBuffer buffer;
  Pagemap pagemap(buffer);
  Pages before;
  Pages after;
  if (read_anonymous(os, member.pid, before) == 0 && pagemap.open_of(os, member.pid) == 0) {
    ForeignPageOut page_out(pidfd, member.wanted);
    static_cast<void>(pagemap.scan(os, kWholeAddressSpace, page_out));
    pagemap.close(os);
  }
  ::close(pidfd);
  return read_anonymous(os, member.pid, after) == 0 ? before - after : Pages::none();
}

std::vector<Asked> shares_of(RegistryView& view, const Subtree& subtree, Pages wanted) {
  std::vector<Asked> members;
  Pages total;
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    if (entry.pid != 0 && subtree.holds(entry.container) && entry.charge > Pages::none()) {
      members.push_back({MemberId{i}, entry.pid, entry.charge, {}, {}, 0, false, false});
      total = total + entry.charge;
    }
  }
  for (Asked& member : members) {
    const double share = static_cast<double>(member.charge.count) / static_cast<double>(total.count);
    member.wanted = Pages{static_cast<std::uint64_t>(share * static_cast<double>(wanted.count)) + 1};
  }
  return members;
}

// One look at a member. True while it is still at work.
bool still_at_work(Os& os, RegistryView& view, Asked& member) {
  if (member.answered) {
    return false;
  }
  MemberRecord& record = view.member(member.id);
  const Pages done{record.reclaim_done.load(std::memory_order_relaxed)};
  member.idle_turns = done > member.done ? 0 : member.idle_turns + 1;
  member.done = std::max(member.done, done);
  const bool served = record.request.load(std::memory_order_acquire) != kRequestReclaim;
  if (served || member.idle_turns > kMostIdleTurns || member_is_dead(os, record, member.pid)) {
    std::uint32_t asked = kRequestReclaim;
    record.request.compare_exchange_strong(asked, 0, std::memory_order_acq_rel);
    member.answered = true;
    member.served = served;
  }
  return !member.answered;
}

void await_all(Os& os, RegistryView& view, std::vector<Asked>& members, const Progress& progress, Pages before) {
  for (bool working = true; working;) {
    FutexWord never{0};
    static_cast<void>(os.futex_wait(never, 0, kTurnNs));
    working = false;
    Pages done = before;
    for (Asked& member : members) {
      working = still_at_work(os, view, member) || working;
      done = done + member.done;
    }
    progress(done);
  }
}

}  // namespace

GivenBack ask_members(Os& os, RegistryView& view, const Subtree& subtree, Pages wanted, const Progress& progress) {
  GivenBack result;
  std::vector<Asked> members = shares_of(view, subtree, wanted);
  for (Asked& member : members) {
    if (!send_request(os, view, member)) {
      member.answered = true;
      // Nothing tells from outside which memory is a thread group's.
      const bool is_group = view.member(member.id).is_group.load(std::memory_order_relaxed) != 0;
      const Pages done = is_group ? Pages::none() : page_out_foreign(os, member);
      result.done = result.done + done;
      if (done == Pages::none()) {
        ++result.unasked;
        result.unasked_usage = result.unasked_usage + member.charge;
      }
    }
  }
  await_all(os, view, members, progress, result.done);
  for (const Asked& member : members) {
    result.done = result.done + member.done;
    for (std::uint32_t i = 0; member.served && i < kStayReasons; ++i) {
      const Counter& stayed = view.member(member.id).reclaim_stayed[i];
      result.stayed[i] = result.stayed[i] + Pages{stayed.load(std::memory_order_relaxed)};
    }
  }
  return result;
}

}  // namespace weir
