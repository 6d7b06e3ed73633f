// doctor.cc - `weir doctor`: what works here, what is lost where it does not, and what mends it.
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "core/host_memory.h"
#include "tools/command.h"
#include "tools/files.h"
#include "tools/human.h"
#include "tools/library.h"
#include "tools/probe.h"
#include "tools/say.h"
#include "tools/session.h"

namespace weir {
namespace {

enum class State { kOk, kDegraded, kMissing };

const char* to_string(State state) {
  constexpr const char* kNames[] = {"ok", "degraded", "missing"};
  return kNames[static_cast<int>(state)];
}

struct Check {
  std::string name;
  State state = State::kOk;
  std::string detail;
  std::string lost = {};  // what is lost without it
  std::string mend = {};  // the one command, or what else helps
  bool vital = false;     // without it limits cannot be held at all
};

Check check_swap() {
  SwapSpace space;
  static_cast<void>(read_swap_space(raw_os(), space));
  Check check{"swap", State::kOk, human_bytes(space.free_bytes) + " of " + human_bytes(space.total_bytes) + " free"};
  const bool nearly_full = space.free_bytes < space.total_bytes / 10;
  if (space.total_bytes == 0 || nearly_full) {
    check.state = space.total_bytes == 0 ? State::kMissing : State::kDegraded;
    check.detail = space.total_bytes == 0 ? "none" : check.detail;
    check.lost = "nothing can be paged out: who meets a limit is out of memory";
    check.mend = "sudo weir swap add";
  }
  return check;
}

Check check_pageout(const PageoutProbe& probe, bool swap_is_there) {
  Check check{"pageout", State::kOk, "MADV_PAGEOUT empties what it is given"};
  if (probe.advise_error != 0) {
    check = {"pageout",
             State::kMissing,
             "madvise(MADV_PAGEOUT): " + error_text(probe.advise_error),
             "live memory cannot be paged out",
             "use Linux 5.4 or later",
             true};
  } else if (probe.stayed > probe.pages / 10) {
    check.state = swap_is_there ? State::kDegraded : State::kMissing;
    check.detail = std::to_string(probe.stayed) + " of " + std::to_string(probe.pages) + " pages stayed";
    check.lost = "nothing can be paged out: who meets a limit is out of memory";
    check.mend = swap_is_there ? "raise memory.swap.max of this cgroup" : "sudo weir swap add";
  } else if (probe.pages == 0) {
    check.state = State::kDegraded;
    check.detail = "not verified, for pagemap cannot be read";
  }
  return check;
}

Check check_pagemap(const PageoutProbe& probe) {
  if (probe.pagemap_error == 0) {
    return {"pagemap", State::kOk, "/proc/self/pagemap is readable"};
  }
  return {"pagemap",
          State::kMissing,
          "/proc/self/pagemap: " + error_text(probe.pagemap_error),
          "what is resident where cannot be seen, so nothing is evicted",
          "mount -t proc proc /proc",
          true};
}

Check check_scan(const PageoutProbe& probe) {
  if (probe.has_scan && probe.pagemap_error == 0) {
    return {"pagemap_scan", State::kOk, "PAGEMAP_SCAN works"};
  }
  return {"pagemap_scan", State::kDegraded, "PAGEMAP_SCAN does not work", "looking at 512M takes 6 ms instead of 0.7",
          "use Linux 6.7 or later"};
}

Check check_perf(const KernelVersion& kernel) {
  const PerfProbe probe = probe_perf();
  std::string paranoid = "unknown";
  static_cast<void>(read_text("/proc/sys/kernel/perf_event_paranoid", paranoid));
  if (probe.traps && kernel.at_least(6, 1)) {
    return {"perf", State::kOk, "page faults are counted where they happen (perf_event_paranoid " + paranoid + ")"};
  }
  Check check{"perf", State::kDegraded, "", "growth is seen by the fallback meter: limits are overrun by more"};
  if (probe.traps) {
    check.detail = "not used before Linux 6.1, where a blocked SIGTRAP kills";
    check.mend = "use Linux 6.1 or later";
  } else if (probe.open_error == EACCES || probe.open_error == EPERM) {
    const bool by_setting = paranoid.size() == 1 && paranoid > "2";
    check.detail = "refused (perf_event_paranoid " + paranoid + ")";
    check.mend = by_setting ? "sudo sysctl kernel.perf_event_paranoid=2"
                            : "allow perf_event_open in the seccomp profile of this container";
  } else {
    check.detail = probe.open_error == 0 ? "no signal came" : error_text(probe.open_error);
    check.mend = "use Linux 6.1 or later";
  }
  return check;
}

Check check_kernel(const KernelVersion& kernel) {
  Check check{"kernel", State::kOk, "Linux " + kernel.release};
  if (!kernel.at_least(5, 4)) {
    return {"kernel", State::kMissing, check.detail, "there is no MADV_PAGEOUT", "use Linux 5.4 or later", true};
  }
  if (!kernel.at_least(6, 1)) {
    check.lost = kernel.at_least(5, 13) ? "the fault meter: SIGTRAP by perf is unsafe"
                                        : "the fault meter: perf sends no SIGTRAP";
    check.mend = "use Linux 6.1 or later";
  } else if (!kernel.at_least(6, 7)) {
    check.lost = "PAGEMAP_SCAN: looking at memory takes longer";
    check.mend = "use Linux 6.7 or later";
  }
  check.state = check.lost.empty() ? State::kOk : State::kDegraded;
  return check;
}

Check check_huge_pages() {
  const std::string folder = "/sys/kernel/mm/transparent_hugepage/";
  const HugePages huge = read_huge_pages(raw_os());
  if (huge.unasked_kib == 0) {
    return {"huge_pages", State::kOk,
            std::string("transparent huge pages: ") + (huge.on_advice ? "for who asks" : "none of 2M")};
  }
  const std::string size = human_bytes(huge.unasked_kib * kKiB);
  return {"huge_pages", State::kDegraded, "transparent huge pages of " + size + ": always",
          "near a limit programs go without them: " + size + " at once would count as touched",
          "echo madvise | sudo tee " + folder +
              (huge.unasked_by_all ? "enabled" : "hugepages-" + std::to_string(huge.unasked_kib) + "kB/enabled")};
}

// What stands in the way of the registry, or nothing.
std::string registry_obstacle(Session& session) {
  const std::string directory = session.directory();
  struct stat found = {};
  if (::lstat(directory.c_str(), &found) != 0) {
    const std::string parent = directory.substr(0, directory.rfind('/') + 1);
    return ::access(parent.c_str(), W_OK | X_OK) == 0 ? "" : parent + " is not writable";
  }
  if (!S_ISDIR(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & 077) != 0) {
    return directory + " is not a directory of this user alone";
  }
  if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    return directory + " is not writable";
  }
  try {
    static_cast<void>(session.open());
  } catch (const CommandFault& fault) {
    return fault.what();
  }
  return "";
}

std::string space_obstacle(const std::string& directory) {
  struct statvfs space = {};
  const std::string parent = directory.substr(0, directory.rfind('/') + 1);
  struct stat registry = {};
  // An empty one was begun by somebody who had no room.
  if ((::stat((directory + "/registry").c_str(), &registry) == 0 && registry.st_size > 0) ||
      (::statvfs((directory + "/.").c_str(), &space) != 0 && ::statvfs(parent.c_str(), &space) != 0)) {
    return "";
  }
  return space.f_bavail * space.f_frsize >= kRegistryBytes ? "" : parent + " is full";
}

Check check_registry(const std::optional<std::string>& directory) {
  Session session(directory);
  std::string obstacle = registry_obstacle(session);
  obstacle = obstacle.empty() ? space_obstacle(session.directory()) : obstacle;
  if (obstacle.empty()) {
    return {"registry", State::kOk, session.directory()};
  }
  return {"registry",
          State::kMissing,
          obstacle,
          "programs run as if weir were not there",
          "export WEIR_DIR=/path/of/your/own (or remove the directory when nothing runs)",
          true};
}

Check check_library() {
  Check check{"library",
              State::kMissing,
              "libweir.so is not beside this program",
              "programs run as if weir were not there",
              "cmake --install build/release",
              true};
  const std::string path = find_library();
  if (path.empty()) {
    return check;
  }
  if (!can_be_preloaded(path)) {
    check.detail = "LD_PRELOAD cannot name " + shown(path) + " (blank or colon)";
    check.mend = "install it under a path without blanks and colons";
    return check;
  }
  std::vector<std::string> variables = {"LD_PRELOAD=" + path, "LD_DEBUG"};
  std::size_t count = 0;
  const OptionRow* rows = option_rows(&count);
  for (std::size_t i = 0; i < count; ++i) {
    variables.emplace_back(rows[i].variable);
  }
  const ProgramResult result = run_program({"/bin/true"}, variables);
  if (result.status != 0 || !result.output.empty()) {
    check.detail = path + " does not load: " +
                   (result.output.empty() ? "status " + std::to_string(result.status) : harmless(result.output));
    return check;
  }
  return {"library", State::kOk, path};
}

// Not a lack of this machine, yet what people who set limits for threads must know.
Check note_on_groups() {
  return {"thread groups", State::kOk,
          "a kill for a group's limit takes the whole process; oom=enomem refuses instead"};
}

std::vector<Check> examine(const std::optional<std::string>& directory) {
  const KernelVersion kernel = kernel_version();
  const PageoutProbe pageout = probe_pageout();
  const Check swap = check_swap();
  return {check_kernel(kernel),
          check_library(),
          check_registry(directory),
          swap,
          check_pageout(pageout, swap.state == State::kOk),
          check_pagemap(pageout),
          check_scan(pageout),
          check_perf(kernel),
          check_huge_pages(),
          note_on_groups()};
}

std::string as_json(const std::vector<Check>& checks, bool holds) {
  nlohmann::ordered_json out = {{"limits_hold", holds}, {"checks", nlohmann::ordered_json::array()}};
  for (const Check& check : checks) {
    out["checks"].push_back({{"check", check.name},
                             {"state", to_string(check.state)},
                             {"detail", check.detail},
                             {"lost", check.lost},
                             {"mend", check.mend},
                             {"vital", check.vital}});
  }
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string as_lines(const std::vector<Check>& checks) {
  std::string out;
  for (const Check& check : checks) {
    const std::string state = to_string(check.state);
    out += state + std::string(10 - state.size(), ' ') + check.name + std::string(15 - check.name.size(), ' ') +
           check.detail + (check.lost.empty() ? "" : "; lost: " + check.lost) +
           (check.mend.empty() ? "" : "; mend: " + check.mend) + "\n";
  }
  return out;
}

}  // namespace

int doctor_main(Invocation& call) {
  CLI::App app("Says what works on this machine, what is lost where it does not, and what mends it.", "weir doctor");
  app.footer("Exits with 1 when limits cannot be held at all.\n\nExample:\n  weir doctor --format json");
  std::string format = "text";
  add_format(app, format, "text (default) or json");
  if (!parse_words(app, call)) {
    return 0;
  }
  const bool json = read_format(format, false) == DumpFormat::kJson;
  const std::vector<Check> checks = examine(call.directory);
  bool holds = true;
  for (const Check& check : checks) {
    holds = holds && !(check.vital && check.state == State::kMissing);
  }
  print(json ? as_json(checks, holds) : as_lines(checks));
  return static_cast<int>(holds ? ExitStatus::kDone : ExitStatus::kFailed);
}

}  // namespace weir
