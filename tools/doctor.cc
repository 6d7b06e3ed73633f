// doctor.cc - `weir doctor`: what works here, what is lost where it does not, and what mends it.
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tools/command.h"
#include "tools/files.h"
#include "tools/host_checks.h"
#include "tools/library.h"
#include "tools/say.h"
#include "tools/session.h"

namespace weir {
namespace {

const char* to_string(State state) {
  constexpr const char* kNames[] = {"ok", "degraded", "missing"};
  return kNames[static_cast<int>(state)];
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

// In the order of what depends on what: without the kernel's part the rest is in vain.
std::vector<Check> examine(const std::optional<std::string>& directory) {
  std::vector<Check> checks = check_host();
  checks.insert(checks.begin() + 1, {check_library(), check_registry(directory)});
  checks.push_back(note_on_groups());
  return checks;
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
