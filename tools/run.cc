// run.cc - `weir run`: a command, its container, and an end like the command's own.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "tools/command.h"
#include "tools/gone_namespaces.h"
#include "tools/library.h"
#include "tools/pressure_server.h"
#include "tools/run_container.h"
#include "tools/run_settings.h"
#include "tools/say.h"
#include "tools/supervisor.h"

namespace weir {
namespace {

struct FlagRow {
  const char* flags;  // as CLI11 takes them
  const char* name;   // as diagnostics name it
  const char* variable;
  const char* type;
  const char* help;
};

constexpr std::array kFlags = {
    FlagRow{"-n,--name", "--name", "WEIR_CONTAINER", "NAME", "Container to make or to join; '/' between parents"},
    FlagRow{"-m,--limit", "--limit", "WEIR_LIMIT", "SIZE", "Hard limit on resident anonymous memory"},
    FlagRow{"--high", "--high", "WEIR_HIGH_WATERMARK", "MARK", "Background reclaim starts above: a size or N%"},
    FlagRow{"--low", "--low", "WEIR_LOW_WATERMARK", "MARK", "Background reclaim stops below: a size or N%"},
    FlagRow{"--swap-max", "--swap-max", "WEIR_SWAP_LIMIT", "SIZE", "Most that may be paged out"},
    FlagRow{"--oom", "--oom", "WEIR_OOM", "POLICY", "kill, group, enomem or pause:SECONDS"},
    FlagRow{"--background", "--background", "WEIR_BACKGROUND", "on|off", "Background reclaim"},
    FlagRow{"--load-control", "--load-control", "WEIR_LOAD_CONTROL", "on|off", "Hold members in turn when they thrash"},
    FlagRow{"--proactive", "--proactive", "WEIR_PROACTIVE", "PRESSURE",
            "Page cold memory out below that pressure (0.1)"},
    FlagRow{"--thrash", "--thrash", "WEIR_THRASH", "SECONDS[:oom]", "Tell, or kill, after so long of mere paging; off"},
    FlagRow{"--threads", "--threads", "WEIR_THREADS", "RULES", "Thread groups: 'io_*=io:limit=64M,high=48M;#3-8=late'"},
    FlagRow{"--processes", "--processes", "WEIR_PROCESSES", "RULES",
            "Processes by their title: 'postgres: bench *=client-%p:limit=32M'"},
    FlagRow{"--meter", "--meter", "WEIR_METER", "METER", "auto, or fallback to do without perf"},
    FlagRow{"--dump-file", "--dump-file", "WEIR_DUMP_FILE", "FILE", "Where statistics go on a signal; %p pid, %c name"},
    FlagRow{"--dump-format", "--dump-format", "WEIR_DUMP_FORMAT", "FORMAT", "text, json or prometheus"},
    FlagRow{"-o,--record", "--record", "WEIR_RECORD", "FILE", "Record what the policy sees to FILE.PID (weir replay)"},
    FlagRow{"--log", "--log", "WEIR_LOG", "LEVEL", "auto, off, error, warn, info or debug, then optionally :path"},
};

constexpr const char* kFooter =
    "Sizes are bytes or take K, M, G, T (powers of 1024). Without --name the container is called\n"
    "pid-<pid> and ends with its last process. Joining a container that is there changes it\n"
    "where options are given. The exit status is the command's.\n\n"
    "Example:\n  weir run -n build -m 64M --high 56M --low 48M -- make -j4";

// The two commands that run one.
struct Manner {
  const char* name;
  const char* description;
  const char* footer;
  bool records;
};
constexpr Manner kRun{"weir run", "Runs a command, its children and theirs within memory limits.", kFooter, false};
constexpr Manner kRecording{"weir record",
                            "Runs a command as weir run does, and records what the policy of each of its processes "
                            "sees: to FILE.PID, by default weir.rec.PID.",
                            "weir replay tells what another limit would have done.\n\n"
                            "Example:\n  weir record -m 64M -o /tmp/sort.rec -- sort big.txt",
                            true};

struct RunWords {
  std::array<std::string, kFlags.size()> values;
  std::array<bool, kFlags.size()> given{};
  std::vector<std::string> command;
};

// What stands after the first "--" is the command's and is never looked at; without one the
// command begins at the first word that is no option.
bool read_words(Invocation& call, RunWords& words, const Manner& manner) {
  const auto mark = std::find(call.arguments.begin(), call.arguments.end(), "--");
  std::vector<std::string> after(mark, call.arguments.end());
  call.arguments.erase(mark, call.arguments.end());

  CLI::App app(manner.description, manner.name);
  app.footer(manner.footer);
  app.prefix_command();
  std::array<const CLI::Option*, kFlags.size()> options{};
  for (std::size_t i = 0; i < kFlags.size(); ++i) {
    options[i] = app.add_option(kFlags[i].flags, words.values[i], kFlags[i].help)->type_name(kFlags[i].type);
  }
  if (!parse_words(app, call)) {
    return false;
  }
  std::transform(options.begin(), options.end(), words.given.begin(),
                 [](const auto* option) { return option->count() > 0; });
  words.command = app.remaining();
  if (!words.command.empty() && words.command.front().starts_with('-')) {
    refuse("unknown option " + shown(words.command.front()) + " (" + manner.name + " --help)");
  }
  // The mark itself is the command's only if the command began before it.
  after.erase(after.begin(), after.begin() + (words.command.empty() && !after.empty() ? 1 : 0));
  words.command.insert(words.command.end(), after.begin(), after.end());
  if (words.command.empty() || words.command.front().empty()) {
    refuse("there is no command to run (" + std::string(manner.name) + " --help)");
  }
  return true;
}

constexpr std::string_view kRecord = "WEIR_RECORD";
constexpr std::string_view kDumpFile = "WEIR_DUMP_FILE";
constexpr std::string_view kLog = "WEIR_LOG";

// Processes could only tell in an event that they cannot write there, when the command is over. What depends on them,
// by their folder or their name, is theirs to find out.
void check_folder(const FlagRow& flag, const std::string& value) {
  const std::filesystem::path folder = std::filesystem::absolute(value).parent_path();
  if (folder.string().find('%') != std::string::npos) {
    return;
  }
  if (!std::filesystem::is_directory(folder) || ::access(folder.c_str(), W_OK | X_OK) != 0) {
    refuse(std::string(flag.name) + " " + shown(value) + ": no file can be made in " + folder.string());
  }
}

// The command's processes may work in other folders than this one.
std::string value_of(const FlagRow& flag, const std::string& value) {
  const bool is_file = flag.variable == kRecord || (flag.variable == kDumpFile && value.starts_with('/'));
  if (is_file && !value.empty()) {
    check_folder(flag, value);
  }
  if (const std::size_t path = value.find(":/"); flag.variable == kLog && path != std::string::npos) {
    check_folder(flag, value.substr(path + 1));
  }
  return flag.variable == kRecord && !value.empty() ? std::filesystem::absolute(value).string() : value;
}

// Files of that recording, by whichever process.
bool was_recorded(const std::filesystem::path& file) {
  std::error_code ignored;
  const std::string prefix = file.filename().string() + ".";
  for (const auto& entry : std::filesystem::directory_iterator(file.parent_path(), ignored)) {
    if (entry.path().filename().string().starts_with(prefix)) {
      return true;
    }
  }
  return false;
}

RunSettings settings_of(const RunWords& words, const Manner& manner) {
  RunSettings settings;
  for (std::size_t i = 0; i < kFlags.size(); ++i) {
    if (words.given[i]) {
      settings.set(kFlags[i].name, kFlags[i].variable, value_of(kFlags[i], words.values[i]));
    } else if (manner.records && kFlags[i].variable == kRecord) {
      settings.set(kFlags[i].name, kFlags[i].variable, value_of(kFlags[i], "weir.rec"));
    }
  }
  return settings;
}

// Puts the library and the settings into the environment. False: there is no usable library.
bool equip(Session& session, RunSettings& settings) {
  const std::string library = find_library();
  if (library.empty() || !can_be_preloaded(library)) {
    say(library.empty() ? "running without limits: libweir.so is not installed beside this program"
                        : "running without limits: LD_PRELOAD cannot name " + shown(library) + " (blank or colon)");
    return false;
  }
  // The program must find the registry that was just prepared; and it takes one variable at
  // least for the library to attach.
  settings.set("--dir", "WEIR_DIR", session.directory());
  settings.store();
  const char* present = std::getenv("LD_PRELOAD");
  ::setenv("LD_PRELOAD", preload_with(library, present == nullptr ? "" : present).c_str(), 1);
  return true;
}

[[noreturn]] void report_no_start(const std::string& command, int error) {
  const ExitStatus status = error == ENOENT ? ExitStatus::kNotFound : ExitStatus::kNotExecutable;
  throw CommandFault(status, shown(command) + " cannot be run: " + error_text(error));
}

int run_in(const Manner& manner, Invocation& call) {
  RunWords words;
  if (!read_words(call, words, manner)) {
    return 0;
  }
  RunSettings settings = settings_of(words, manner);
  Session session(call.directory);
  RunContainer container(session, settings);
  PressureServer pressure(session);
  if (container.prepare() && equip(session, settings) && container.has_limit()) {
    pressure.start();
  }
  remove_gone_namespaces(session);
  const Ending ending = supervise(words.command);
  pressure.stop();
  if (ending.exec_error != 0) {
    container.withdraw();
    report_no_start(words.command.front(), ending.exec_error);
  }
  container.report_kills(ending.pid);
  remove_gone_namespaces(session);
  if (const char* file = std::getenv(kRecord.data()); manner.records && file != nullptr && !was_recorded(file)) {
    say("nothing was recorded: no process grew to where weir begins to watch");
  }
  return end_like(ending);
}

}  // namespace

int run_main(Invocation& call) {
  return run_in(kRun, call);
}

int record_main(Invocation& call) {
  return run_in(kRecording, call);
}

}  // namespace weir
