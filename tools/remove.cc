// remove.cc - `weir rm` and `weir kill`: forgetting an empty container, emptying a full one.
#include <sys/syscall.h>
#include <unistd.h>
#include <csignal>

#include <cerrno>
#include <set>

#include "core/adopt.h"
#include "core/events.h"
#include "core/usage.h"
#include "tools/command.h"
#include "tools/say.h"
#include "tools/session.h"

namespace weir {
namespace {

std::string count_of(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// Why a container cannot be removed.
std::string obstacle(Session& session, ContainerId id, const std::string& name) {
  if (const std::uint32_t members = members_of(session.view(), id); members > 0) {
    return shown(name) + " has " + count_of(members, "member") + " (weir kill " + harmless(name) + " ends them)";
  }
  for (std::uint32_t i = 0; i < kMaxContainers; ++i) {
    const ContainerRecord& record = session.view().container(ContainerId{i});
    ContainerId parent;
    if (record.state.load(std::memory_order_acquire) == ContainerRecord::kLive &&
        parent_of(session.view(), ContainerId{i}, parent) && parent == id) {
      return shown(name) + " is the parent of " + shown(record.name);
    }
  }
  return shown(name) + " could not be removed: the registry is busy";
}

// One process, held by a descriptor so that its number cannot pass to another meanwhile.
class ProcessHandle {
 public:
  explicit ProcessHandle(std::uint32_t pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~ProcessHandle() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  ProcessHandle(const ProcessHandle&) = delete;
  ProcessHandle& operator=(const ProcessHandle&) = delete;
  [[nodiscard]] bool is_open() const {
    return fd_ >= 0;
  }
  // 0 or an errno.
  [[nodiscard]] int kill() const {
    return ::syscall(SYS_pidfd_send_signal, fd_, SIGKILL, nullptr, 0) == 0 ? 0 : errno;
  }

 private:
  int fd_;
};

struct KillCount {
  std::set<std::uint32_t> killed;
  std::set<std::uint32_t> refused;
};

// One pass over the members. True when it found one that no pass had met before.
bool kill_pass(Session& session, const Subtree& subtree, KillCount& count) {
  bool found_new = false;
  const auto self = static_cast<std::uint32_t>(::getpid());
  const std::uint32_t high = session.view().members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = session.view().book(MemberId{i}).load();
    if (entry.pid == 0 || entry.pid == self || !subtree.holds(entry.container) || count.killed.contains(entry.pid) ||
        count.refused.contains(entry.pid)) {
      continue;
    }
    const ProcessHandle process(entry.pid);
    if (!process.is_open() || member_is_dead(session.os(), session.view().member(MemberId{i}), entry.pid)) {
      continue;
    }
    const int error = process.kill();
    (error == 0 ? count.killed : count.refused).insert(entry.pid);
    found_new = true;
  }
  return found_new;
}

// Members may fork while they are being killed, and a child has a place a moment after it began: until for some
// passes there is nobody but those that refuse. False: not within a second or so.
bool kill_all(Session& session, const Subtree& subtree, KillCount& count) {
  constexpr int kMostPasses = 500;
  constexpr int kQuietPasses = 10;
  constexpr std::int64_t kPauseNs = 2'000'000;
  for (int pass = 0, quiet = 0; pass < kMostPasses; ++pass) {
    const bool has_more = adopt_children(session.os(), session.view(), subtree) > 0;
    quiet = kill_pass(session, subtree, count) || has_more ? 0 : quiet + 1;
    if (quiet == kQuietPasses) {
      return true;
    }
    FutexWord never{0};
    static_cast<void>(session.os().futex_wait(never, 0, kPauseNs));
  }
  return false;
}

}  // namespace

int kill_main(Invocation& call) {
  CLI::App app("Kills every member of a container and of those below it.", "weir kill");
  app.footer("Example:\n  weir kill build");
  std::string name;
  app.add_option("NAME", name, "Container")->required();
  if (!parse_words(app, call)) {
    return 0;
  }
  Session session(call.directory);
  const ContainerId id = session.need(read_name(name));
  const Subtree subtree = Subtree::below(session.view(), id);
  KillCount count;
  const bool emptied = kill_all(session, subtree, count);
  const std::string told = "killed " + count_of(count.killed.size(), "member") + " by weir kill";
  post_event(session.os(), session.view(),
             {EventKind::kKill, id, static_cast<std::uint32_t>(::getpid()), {count.killed.size(), 0}, told});
  print("killed " + count_of(count.killed.size(), "member") + " of " + harmless(name) + "\n");
  if (!emptied && count.refused.empty()) {
    fail("members of " + shown(name) + " start others faster than they can be killed");
  }
  if (!count.refused.empty()) {
    fail(count_of(count.refused.size(), "member") + " of " + shown(name) + " may not be killed by this user");
  }
  return 0;
}

int rm_main(Invocation& call) {
  CLI::App app("Forgets a container that has no members, with its statistics.", "weir rm");
  app.footer("Example:\n  weir rm build");
  std::string name;
  app.add_option("NAME", name, "Container")->required();
  if (!parse_words(app, call)) {
    return 0;
  }
  Session session(call.directory);
  const ContainerId id = session.need(read_name(name));
  if (!session.view().remove(session.os(), id)) {
    fail(obstacle(session, id, name));
  }
  return 0;
}

}  // namespace weir
